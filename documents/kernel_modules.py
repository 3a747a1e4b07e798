"""The kernel modules that kube-proxy's mode needs. stage.sh loads them, and systemd at each boot (modules-load.d(5)).

Every mode needs nf_conntrack before kube-proxy starts: it sets the limits of conntrack only then.
"""

from settings import KubeProxyConfiguration, Mode


def kernel_modules(configuration: KubeProxyConfiguration) -> list[str]:
    """Return the modules' names."""
    match configuration.mode:
        case Mode.IPVS:
            return ["nf_conntrack", "ip_vs", f"ip_vs_{configuration.ipvs.scheduler}"]
        case Mode.NFTABLES:
            return ["nf_conntrack", "nf_tables"]
        case _:
            return ["nf_conntrack"]


def render(configuration: KubeProxyConfiguration) -> str:
    """Return the file: a module's name on each line."""
    return "".join(f"{module}\n" for module in kernel_modules(configuration))
