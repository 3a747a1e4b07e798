"""The stack's configuration, read once and checked whole: the only reader of it in the program.

`load` turns the values of the `kube-proxy:` keys into frozen `Settings` with every default filled in, every file
read and the fleet's values merged into each node, or raises `SettingsError` with every problem of the stack at once.
Nothing else in the program needs to check a value again.
"""

from settings.load import load
from settings.model import (
    SSH,
    Architecture,
    Binary,
    BinarySource,
    CertificateAuthority,
    ClientCertificate,
    Cluster,
    ClusterSigner,
    KeyAlgorithm,
    Node,
    OwnCertificateAuthority,
    Rollout,
    Service,
    Settings,
    Subject,
)
from settings.problems import Kind, Problem, SettingsError

__all__ = [
    "SSH",
    "Architecture",
    "Binary",
    "BinarySource",
    "CertificateAuthority",
    "ClientCertificate",
    "Cluster",
    "ClusterSigner",
    "KeyAlgorithm",
    "Kind",
    "Node",
    "OwnCertificateAuthority",
    "Problem",
    "Rollout",
    "Service",
    "Settings",
    "SettingsError",
    "Subject",
    "load",
]
