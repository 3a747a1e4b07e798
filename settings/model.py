"""What the program knows after the configuration was read: complete, checked, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from settings.problems import Problem


class Architecture(StrEnum):
    """A node's processor, as Kubernetes names it in its release artefacts."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class BinarySource(StrEnum):
    """Where a node's kube-proxy binary comes from."""

    PREINSTALLED = "preinstalled"  # it is there already and only checked
    FILE = "file"  # copied from the machine that runs Pulumi
    URL = "url"  # fetched by the node


@dataclass(frozen=True)
class Cluster:
    """The cluster that the nodes belong to. `version` has no leading v; `cluster_cidr` is one block or "v4,v6"."""

    name: str
    server: str
    version: str
    cluster_cidr: str | None
    kubernetes_service: str | None
    tls_server_name: str | None = None  # what the API servers' certificate is verified for; the server's host if None
    proxy_url: str | None = None  # http, https or socks5, with a port, without credentials: on the way to the server


@dataclass(frozen=True)
class CertificateAuthority:
    """The cluster's CA, in PEM: what issues kube-proxy's certificates, and what they and the nodes rely on."""

    certificate_pem: str  # of the issuer alone
    private_key_pem: SecretStr
    chain_pem: str  # what a client shows after its own certificate: issuers below a root; empty where the root issues
    trust_bundle_pem: str  # what nodes verify the API servers by
    not_after: datetime  # the earliest end on the way up to the root


@dataclass(frozen=True)
class OwnCertificateAuthority:
    """A CA that the stack makes. Without a bundle, nodes verify the API servers by its certificate."""

    VALIDITY_HOURS: ClassVar[int] = 87_600

    trust_bundle_pem: str | None


@dataclass(frozen=True)
class ClusterSigner:
    """A signer that takes requests through the Kubernetes API; its CA's certificates are as in CertificateAuthority."""

    MOST_VALIDITY_HOURS: ClassVar[int] = (2**31 - 1) // 3600
    """A request's expirationSeconds is a 32 bit number."""

    name: str
    kubeconfig: SecretStr  # JSON: one context, certificates and keys embedded
    approval_timeout_seconds: int  # how long an update waits for somebody's approval
    chain_pem: str
    trust_bundle_pem: str
    not_after: datetime


class KeyAlgorithm(StrEnum):
    """A private key's kind and size, named as in kubeadm's ClusterConfiguration (encryptionAlgorithm)."""

    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    ED25519 = "Ed25519"


@dataclass(frozen=True)
class Subject:
    """The client certificate's subject beside its common name; None leaves an attribute out.

    The API server takes the organizations for the user's groups.
    """

    country: str | None
    province: str | None
    locality: str | None
    organizations: tuple[str, ...]
    organizational_unit: str | None


@dataclass(frozen=True)
class ClientCertificate:
    """The certificate with which kube-proxy meets the API server, and when it is renewed."""

    subject: Subject
    key_algorithm: KeyAlgorithm
    validity_hours: int
    renew_before_hours: int
    per_node: bool  # each node has its own, of the same user


@dataclass(frozen=True)
class SSH:
    """How to log in to a node: the private key unencrypted PEM, the pinned host key `<type> <base64>`."""

    host: str
    port: int
    user: str
    private_key: SecretStr
    host_key: str


@dataclass(frozen=True)
class Node:
    """A worker; `configuration` is the fleet's KubeProxyConfiguration fields with the node's own merged over them."""

    name: str
    address: str
    ssh: SSH
    configuration: Mapping[str, object]


@dataclass(frozen=True)
class Binary:
    """The kube-proxy binary; `version` has no leading v, a digest is 64 lower case hexadecimal digits.

    With source file, the one digest is that of the file, and its architecture is the file's.
    """

    version: str
    source: BinarySource
    path: Path | None
    url: str | None
    sha256: Mapping[Architecture, str]


@dataclass(frozen=True)
class Service:
    """The systemd service: kube-proxy works in `<k8s_dir>/kube-proxy` and logs at klog's level `verbosity`."""

    k8s_dir: str
    verbosity: int


@dataclass(frozen=True)
class Rollout:
    """How a change reaches the fleet: `canary` nodes first, then batches of `max_unavailable` (a number, or "25%").

    A node must serve within `health_timeout_seconds` and stay up for `min_ready_seconds` (as a Deployment's pods);
    otherwise it is put back. Without `remove_foreign_virtual_servers` a node where kube-proxy would remove IPVS virtual
    servers of others is refused.
    """

    canary: int
    max_unavailable: int | str
    health_timeout_seconds: int
    min_ready_seconds: int
    remove_foreign_virtual_servers: bool

    def batch_size(self, nodes: int) -> int:
        """Return how many of so many nodes may be changed at a time: a percentage rounds down, to one at least."""
        if isinstance(self.max_unavailable, int):
            return self.max_unavailable
        return max(1, nodes * int(self.max_unavailable.removesuffix("%")) // 100)


@dataclass(frozen=True)
class Settings:
    """A stack's whole configuration; `warnings` are for the person who wrote it, and block nothing."""

    cluster: Cluster
    certificate_authority: CertificateAuthority | OwnCertificateAuthority | ClusterSigner
    client_certificate: ClientCertificate
    nodes: tuple[Node, ...]
    binary: Binary
    service: Service
    rollout: Rollout
    warnings: tuple[Problem, ...] = ()
