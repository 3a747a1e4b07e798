"""The parameters of the scripts on a node: shell variables, which scripts/common.sh sources."""

from datetime import datetime

import pulumi

from documents.kernel_modules import kernel_modules
from settings import Binary, BinarySource, NodeSettings, Settings
from settings.addresses import CIDR, host_and_port
from settings.kube_proxy_configuration.enums import LocalMode, Mode

DOWNLOADED_BINARY_KIB = 128 * 1024
"""The space that a binary needs whose size is unknown before the download; kube-proxy 1.36 has 70 MB."""


def node_parameters(settings: Settings, node: NodeSettings, stack: str) -> dict[str, str]:
    """Return the parameters of every stage; `stack` is the stack's full name."""
    cluster, kube_proxy = settings.cluster, node.kube_proxy
    binary = settings.binary
    return {
        "NODE": node.name,
        "STACK": stack,
        "SERVER": cluster.server,
        "TLS_SERVER_NAME": cluster.tls_server_name or "",
        "PROXY_URL": cluster.proxy_url or "",
        "MODE": kube_proxy.mode.value,
        "KERNEL_MODULES": " ".join(kernel_modules(kube_proxy)),
        # As the node's programs print it: [fd00::101]:10256 where the stack has [FD00:0::101]:10256.
        "HEALTHZ": host_and_port(node.healthz.ip, node.healthz.port),
        "METRICS": host_and_port(node.metrics.ip, node.metrics.port),
        "FAMILIES": " ".join(_families(settings, node)),
        "MASQUERADED_FAMILIES": " ".join(_masqueraded_families(settings, node)),
        "VERSION": binary.version,
        "BINARY_SOURCE": binary.source.value,
        "BINARY_URL": binary.url or "",
        "BINARY_SHA256": " ".join(f"{key}={value}" for key, value in sorted(binary.sha256.items())),
        "BINARY_KIB": str(_kibibytes(binary)),
        "K8S_DIR": settings.service.k8s_dir,
        "UNIT_DIRECTORY": settings.service.unit_directory.value,
        "BINARY_DIRECTORY": settings.service.binary_directory,
        "KUBERNETES_SERVICE": str(cluster.kubernetes_service.ip) if cluster.kubernetes_service else "",
        "HEALTH_TIMEOUT": str(settings.rollout.health_timeout_seconds),
        "MIN_READY": str(settings.rollout.min_ready_seconds),
        "REMOVE_FOREIGN_VIRTUAL_SERVERS": str(settings.rollout.remove_foreign_virtual_servers).lower(),
        "TAKE_OVER": str(settings.rollout.take_over).lower(),
        "HANDOVER": str(settings.rollout.handover).lower(),
        "DRAIN": str(settings.rollout.connection_drain_seconds),
        "EXCLUDE_CIDRS": " ".join(_hexadecimal(block) for block in kube_proxy.ipvs.exclude_cidrs),
    }


def stack_name() -> str:
    """Return the stack's full name, `organization/kube-proxy/dev`. A node records who has deployed it."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def certificate_parameters(not_before: str, not_after: str) -> dict[str, str]:
    """Return the client certificate's validity in seconds since 1970; the arguments are RFC 3339."""
    return {"NOT_BEFORE": _seconds(not_before), "NOT_AFTER": _seconds(not_after)}


def _kibibytes(binary: Binary) -> int:
    match binary.source:
        case BinarySource.PREINSTALLED:
            return 0
        case BinarySource.FILE if binary.path:
            # It is uploaded beside the live one, then copied into place.
            return 2 * binary.path.stat().st_size // 1024
        case _:
            return 2 * DOWNLOADED_BINARY_KIB


def _families(settings: Settings, node: NodeSettings) -> tuple[str, ...]:
    """Return `IPv4`, `IPv6` or both: the node's own family first, then the pods' other one."""
    versions = (
        node.address.ip.version,
        *(settings.cluster.cluster_cidr.versions if settings.cluster.cluster_cidr else ()),
    )
    return tuple(dict.fromkeys(f"IPv{version}" for version in versions))


def _masqueraded_families(settings: Settings, node: NodeSettings) -> tuple[str, ...]:
    """Return the families in which the modes iptables and nftables masquerade requests that are no pod's.

    Where kube-proxy can't tell what a pod's are, it does so for all or for none (`masqueradeAll`).
    """
    kube_proxy = node.kube_proxy
    own = kube_proxy.nftables if kube_proxy.mode == Mode.NFTABLES else kube_proxy.iptables
    if kube_proxy.detect_local_mode != LocalMode.CLUSTER_CIDR or own.masquerade_all:
        return ("IPv4", "IPv6")
    cidr = settings.cluster.cluster_cidr
    return tuple(f"IPv{version}" for version in cidr.versions) if cidr else ()


def _hexadecimal(block: CIDR) -> str:
    """Return `0A000000/8` for `10.0.0.0/8`: a shell can compare it with the kernel's list of virtual servers."""
    return f"{block.network.network_address.packed.hex().upper()}/{block.network.prefixlen}"


def _seconds(timestamp: str) -> str:
    return str(int(datetime.fromisoformat(timestamp).timestamp()))
