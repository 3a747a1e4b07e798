"""The configuration as a person writes it: its sections, keys, types and defaults.

What may be missing is None here; whether it is needed, and how the sections fit together, is told by the module that
turns a section into settings. So one missing value doesn't hide what is wrong with the others.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from settings import fields
from settings.model import BinarySource, KeyAlgorithm


class Section(BaseModel):
    """A mapping with known keys in camelCase; others are kept, to be reported. A null counts as not given."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, hide_input_in_errors=True)

    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that somebody may look for here, and what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: item for key, item in value.items() if item is not None or key not in cls.known_keys()}

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """Return the known keys, as they are written."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


class ClusterSection(Section):
    """`kube-proxy:cluster`."""

    name: fields.Line = "kubernetes"
    server: fields.ServerURL | None = None
    version: fields.KubernetesVersion | None = None
    cluster_cidr: fields.ClusterCIDR | None = Field(default=None, alias="clusterCIDR")
    kubernetes_service: fields.ServiceAddress | None = None
    tls_server_name: fields.TLSServerName | None = None
    proxy_url: fields.ProxyURL | None = Field(default=None, alias="proxyURL")


class CertificateAuthoritySection(Section):
    """`kube-proxy:certificateAuthority`."""

    certificate_file: fields.FileName | None = None
    private_key_file: fields.FileName | None = None
    trust_bundle_file: fields.FileName | None = None
    generate: fields.Flag = False
    signer: fields.SignerName | None = None
    kubeconfig_file: fields.FileName | None = None
    context: fields.Line | None = None
    approval_timeout_seconds: fields.ApprovalTimeout | None = None


class SubjectSection(Section):
    """`subject` of `kube-proxy:clientCertificate`: the whole of it, what is not named is left out."""

    country: fields.Country | None = None
    province: fields.Place | None = None
    locality: fields.Place | None = None
    organization: fields.Organizations = ()
    organizational_unit: fields.OrganizationalUnit | None = None


class ClientCertificateSection(Section):
    """`kube-proxy:clientCertificate`; the defaults are the guide's."""

    subject: SubjectSection = SubjectSection(
        country="CN", province="Jiangsu", locality="Suzhou", organization=("k8s",), organizationalUnit="wangxyd"
    )
    key_algorithm: fields.KeyAlgorithmName = KeyAlgorithm.RSA_2048
    validity_hours: fields.ValidityHours = 8760
    renew_before_hours: fields.RenewBeforeHours = 720
    per_node: fields.Flag = False


class SSHSection(Section):
    """`kube-proxy:ssh`, for all nodes."""

    user: fields.Root | None = None
    port: fields.Port | None = None
    private_key_file: fields.FileName | None = None
    bastion: fields.BastionNotYet = None


class NodeSSHSection(SSHSection):
    """`ssh` of a node: over `kube-proxy:ssh`."""

    host: fields.HostName | None = None


class NodeSection(Section):
    """An item of `kube-proxy:nodes`."""

    name: fields.NodeName | None = None
    address: fields.NodeAddress | None = None
    host_key: fields.HostKey | None = None
    ssh: NodeSSHSection = NodeSSHSection()
    configuration: dict[str, object] = {}


class DigestsSection(Section):
    """`sha256` of `kube-proxy:binary`: 64 hexadecimal digits, or a file as sha256sum writes it."""

    amd64: fields.FileName | None = None
    arm64: fields.FileName | None = None


class BinarySection(Section):
    """`kube-proxy:binary`."""

    version: fields.SupportedVersion | None = None
    source: fields.Source = BinarySource.PREINSTALLED
    path: fields.FileName | None = None
    url: fields.DownloadURL | None = None
    sha256: DigestsSection = DigestsSection()


class ServiceSection(Section):
    """`kube-proxy:service`."""

    k8s_dir: fields.DirectoryOnNode = Field(default="/opt/k8s", alias="k8sDir")
    verbosity: fields.Verbosity = 2


class RolloutSection(Section):
    """`kube-proxy:rollout`."""

    canary: fields.Canary = 1
    max_unavailable: fields.MaxUnavailable = "25%"
    health_timeout_seconds: fields.HealthTimeout = 60
    min_ready_seconds: fields.MinReady = 10
    remove_foreign_virtual_servers: fields.Flag = False


class Stack(Section):
    """The keys of a stack's configuration, without their `kube-proxy:`."""

    cluster: ClusterSection = ClusterSection()
    certificate_authority: CertificateAuthoritySection = CertificateAuthoritySection()
    ca_private_key: SecretStr | None = None
    admin_kubeconfig: SecretStr | None = None
    client_certificate: ClientCertificateSection = ClientCertificateSection()
    ssh: SSHSection = SSHSection()
    ssh_private_key: SecretStr | None = None
    nodes: list[NodeSection] | None = None
    nodes_file: fields.FileName | None = None
    binary: BinarySection = BinarySection()
    configuration: dict[str, object] = {}
    service: ServiceSection = ServiceSection()
    rollout: RolloutSection = RolloutSection()


class NodesFile(Section):
    """The content of `kube-proxy:nodesFile`, under that key so that a problem in it is told as `nodesFile[1].name`."""

    nodes_file: list[NodeSection] = []
