"""What the scripts on a node are told: upper-case names and text, sourced by a shell (scripts/common.sh)."""

from datetime import datetime

import documents.kube_proxy_configuration
from settings import Binary, BinarySource, Node, Settings

DOWNLOADED_BINARY_KIB = 128 * 1024
"""Room to ask for where the size isn't known before the download; kube-proxy 1.36 has 70 MB."""


def node_parameters(settings: Settings, node: Node) -> dict[str, str]:
    """Returns what every stage is told of a node and its kube-proxy."""
    configuration = documents.kube_proxy_configuration.document(node=node, cluster=settings.cluster)
    ipvs = configuration.get("ipvs")
    scheduler = ipvs.get("scheduler") if isinstance(ipvs, dict) else None
    binary = settings.binary
    return {
        "NODE": node.name,
        "MODE": str(configuration["mode"]),
        "IPVS_SCHEDULER": str(scheduler or "rr"),
        "HEALTHZ": str(configuration["healthzBindAddress"]),
        "METRICS": str(configuration["metricsBindAddress"]),
        "VERSION": binary.version,
        "BINARY_SOURCE": binary.source.value,
        "BINARY_URL": binary.url or "",
        "BINARY_SHA256": " ".join(f"{key}={value}" for key, value in sorted(binary.sha256.items())),
        "BINARY_KIB": str(_kibibytes(binary)),
        "K8S_DIR": settings.service.k8s_dir,
        "KUBERNETES_SERVICE": settings.cluster.kubernetes_service or "",
        "HEALTH_TIMEOUT": str(settings.rollout.health_timeout_seconds),
    }


def certificate_parameters(not_before: str, not_after: str) -> dict[str, str]:
    """Returns the client certificate's validity, for a node's clock: RFC 3339 in, seconds since 1970 out."""
    return {"NOT_BEFORE": _seconds(not_before), "NOT_AFTER": _seconds(not_after)}


def _kibibytes(binary: Binary) -> int:
    match binary.source:
        case BinarySource.PREINSTALLED:
            return 0
        case BinarySource.FILE if binary.path:
            # Uploaded beside the live one, then copied into place.
            return 2 * binary.path.stat().st_size // 1024
        case _:
            return 2 * DOWNLOADED_BINARY_KIB


def _seconds(timestamp: str) -> str:
    return str(int(datetime.fromisoformat(timestamp).timestamp()))
