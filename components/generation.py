"""A generation: all files of a node's kube-proxy at one moment, named by the digest of their content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import documents.environment_file
import documents.kernel_modules
import documents.kube_proxy_configuration
import documents.network_file
import documents.systemd_unit
from settings import Binary, BinarySource, NodeSettings, Settings


@dataclass(frozen=True)
class Documents:
    """A node's files that hold no secret."""

    configuration: str
    unit: str
    environment: str
    kernel_modules: str
    network_file: str
    binary: str
    """Which binary belongs to the generation, in words: its source and digests or version."""


def render(settings: Settings, node: NodeSettings) -> Documents:
    """Renders a node's files."""
    return Documents(
        configuration=documents.kube_proxy_configuration.render(node, settings.cluster),
        unit=documents.systemd_unit.render(k8s_dir=settings.service.k8s_dir),
        environment=documents.environment_file.render(verbosity=settings.service.verbosity),
        kernel_modules=documents.kernel_modules.render(node.kube_proxy),
        network_file=documents.network_file.render(),
        binary=binary_identity(settings.binary),
    )


def binary_identity(binary: Binary) -> str:
    """Returns a line that changes exactly when another binary is meant."""
    if binary.source is BinarySource.PREINSTALLED:
        return f"preinstalled {binary.version}\n"
    return " ".join([binary.version, *(f"{key}={value}" for key, value in sorted(binary.sha256.items()))]) + "\n"


def files(texts: Documents, kubeconfig: str) -> dict[str, str]:
    """Returns the generation's files by the names that they have on the node."""
    return {
        "kube-proxy.kubeconfig": kubeconfig,
        "kube-proxy-config.yaml": texts.configuration,
        "kube-proxy.conf": texts.environment,
        "kube-proxy.service": texts.unit,
        "modules": texts.kernel_modules,
        "kube-ipvs0.network": texts.network_file,
        "binary": texts.binary,
    }


def digest(content: Mapping[str, str]) -> str:
    """Returns the SHA-256, in hex, of ``sha256sum``'s listing of the files; the node computes it of what arrived."""
    listing = "".join(f"{hashlib.sha256(content[name].encode()).hexdigest()}  {name}\n" for name in sorted(content))
    return hashlib.sha256(listing.encode()).hexdigest()
