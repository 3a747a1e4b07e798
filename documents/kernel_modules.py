"""The kernel modules that kube-proxy's mode needs. stage.sh loads them, and systemd at each boot (modules-load.d(5)).

nf_conntrack is always one of them: kube-proxy sets conntrack's limits once, when it starts.
"""

from collections.abc import Mapping

from settings.kube_proxy_configuration import Mode


def kernel_modules(configuration: Mapping[str, object]) -> list[str]:
    """Return the modules' names for a complete KubeProxyConfiguration (kube_proxy_configuration.document)."""
    match configuration["mode"]:
        case Mode.IPVS:
            ipvs = configuration.get("ipvs")
            scheduler = ipvs.get("scheduler") if isinstance(ipvs, Mapping) else None
            return ["nf_conntrack", "ip_vs", f"ip_vs_{scheduler or 'rr'}"]
        case Mode.NFTABLES:
            return ["nf_conntrack", "nf_tables"]
        case _:
            return ["nf_conntrack"]


def render(configuration: Mapping[str, object]) -> str:
    """Return the file: a module's name on each line."""
    return "".join(f"{module}\n" for module in kernel_modules(configuration))
