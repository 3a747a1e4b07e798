"""A generation: all files of a node's kube-proxy at one moment, named by the digest of their content."""

import hashlib
from collections.abc import Mapping

from documents import environment_file, kernel_modules, kube_proxy_configuration, network_file, systemd_unit
from settings import Binary, BinarySource, NodeSettings, Settings

CONFIGURATION = "kube-proxy-config.yaml"
KUBECONFIG = "kube-proxy.kubeconfig"


def render(settings: Settings, node: NodeSettings) -> dict[str, str]:
    """Return the generation's files but for the kubeconfig, by their names on the node (scripts/common.sh)."""
    return {
        CONFIGURATION: kube_proxy_configuration.render(node, settings.cluster),
        "kube-proxy.conf": environment_file.render(settings.service.verbosity),
        "kube-proxy.service": systemd_unit.render(settings.service),
        "modules": kernel_modules.render(node.kube_proxy),
        "kube-ipvs0.network": network_file.render(),
        "binary": binary_identity(settings.binary),
    }


def binary_identity(binary: Binary) -> str:
    """Return a line that changes with the binary: its version, and its digests unless it is preinstalled."""
    if binary.source is BinarySource.PREINSTALLED:
        return f"preinstalled {binary.version}\n"
    return " ".join([binary.version, *(f"{key}={value}" for key, value in sorted(binary.sha256.items()))]) + "\n"


def digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256, in hex, of `sha256sum`'s list of the files; the node computes it too (scripts/stage.sh)."""
    lines = "".join(f"{hashlib.sha256(files[name].encode()).hexdigest()}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()
