"""The stack's configuration: read once, checked completely. Nothing else in the program reads it.

`load` turns the values of the `kube-proxy:` keys into frozen `Settings`: defaults are filled in, files are read, and
each node has the fleet's values merged with its own. Or it raises `SettingsError` with every problem of the stack.
The rest of the program needs no further checks.
"""

from settings.binary import Architecture, Binary
from settings.certificate_authority import CAWithKey, CertificateAuthoritySettings, GeneratedCA, KubernetesSigner
from settings.kube_proxy_configuration import KubeProxyConfiguration, Mode, NodeConfiguration
from settings.load import Settings, load
from settings.nodes import NodeSettings
from settings.problems import Kind, Problem, SettingsError
from settings.ssh import SSH
from settings.stack import (
    BinarySource,
    ClientCertificateSettings,
    Cluster,
    KeyAlgorithm,
    RolloutSettings,
    Service,
    Subject,
)

__all__ = [
    "SSH",
    "Architecture",
    "Binary",
    "BinarySource",
    "CAWithKey",
    "CertificateAuthoritySettings",
    "ClientCertificateSettings",
    "Cluster",
    "GeneratedCA",
    "KeyAlgorithm",
    "Kind",
    "KubeProxyConfiguration",
    "KubernetesSigner",
    "Mode",
    "NodeConfiguration",
    "NodeSettings",
    "Problem",
    "RolloutSettings",
    "Service",
    "Settings",
    "SettingsError",
    "Subject",
    "load",
]
