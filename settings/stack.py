"""The keys of a stack's configuration: each with its type, its default, and the message if a required one is missing.

`Cluster`, `ClientCertificateSettings`, `Service` and `RolloutSettings` are the program's settings as they are here. A
class named Section is only what is written: another module reads its files or adds the fleet's values.
"""

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, SecretStr

from settings.addresses import ClusterCIDR, DownloadURL, NodeAddress, ProxyURL, ServerURL, ServiceAddress, TLSServerName
from settings.field_types import Flag, MaxUnavailable, at_most, whole_number
from settings.host_keys import HostKey
from settings.names import (
    BinaryDirectory,
    Country,
    DirectoryOnNode,
    FileName,
    HostName,
    Line,
    NodeName,
    OrganizationalUnit,
    Organizations,
    Place,
    SignerName,
    StackName,
    UserName,
)
from settings.problems import Location, Problems
from settings.section import Section, required
from settings.versions import KubernetesVersion, SupportedVersion


class Cluster(Section):
    """`kube-proxy:cluster`: the cluster that the nodes belong to."""

    name: Line = "kubernetes"
    server: ServerURL = required("must be the API server's URL (e.g. https://192.168.99.100:8443)")
    version: KubernetesVersion = required("must be the control plane's version (e.g. 1.36.2): see kubectl version")
    cluster_cidr: ClusterCIDR | None = None
    kubernetes_service: ServiceAddress | None = None
    tls_server_name: TLSServerName | None = None
    """The name that the API servers' certificate is verified for; default: the server's host."""
    proxy_url: ProxyURL | None = None
    """The proxy on the way to the server."""

    def report_conflicts(self, at: Location, problems: Problems) -> None:
        """Refuse an https proxy together with tlsServerName: client-go would verify the proxy's certificate for it."""
        if self.tls_server_name and (self.proxy_url or "").startswith("https:"):
            problems.forbidden(
                (*at, "proxyURL"),
                "must not be an https proxy together with cluster.tlsServerName: kube-proxy would verify the proxy's "
                "certificate for that name too; use an http or socks5 proxy",
            )


class CertificateAuthoritySection(Section):
    """`kube-proxy:certificateAuthority`."""

    certificate_file: FileName | None = None
    private_key_file: FileName | None = None
    trust_bundle_file: FileName | None = None
    generate: Flag = False
    generated_by: StackName | None = None
    signer: SignerName | None = None
    kubeconfig_file: FileName | None = None
    context: Line | None = None
    approval_timeout_seconds: Annotated[int, whole_number(1, 86_400, " of seconds")] = 600


class KeyAlgorithm(StrEnum):
    """A private key's kind and size, named as in kubeadm's ClusterConfiguration (encryptionAlgorithm)."""

    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    ECDSA_P256 = "ECDSA-P256"
    ECDSA_P384 = "ECDSA-P384"
    ED25519 = "Ed25519"


class Subject(Section):
    """`subject` of `kube-proxy:clientCertificate`, without its common name. An unset attribute is left out."""

    country: Country | None = None
    province: Place | None = None
    locality: Place | None = None
    organizations: Organizations = Field(default=(), alias="organization")
    """The API server treats them as the user's groups."""
    organizational_unit: OrganizationalUnit | None = None


class ClientCertificateSettings(Section):
    """`kube-proxy:clientCertificate`: kube-proxy's own certificate and its renewal. The defaults are the guide's."""

    subject: Subject = Subject(
        country="CN", province="Jiangsu", locality="Suzhou", organizations="k8s", organizational_unit="wangxyd"
    )
    key_algorithm: KeyAlgorithm = KeyAlgorithm.RSA_2048
    validity_hours: Annotated[int, whole_number(1, 876_000, " of hours")] = 8760
    renew_before_hours: Annotated[int, whole_number(0, 876_000, " of hours")] = 720
    per_node: Flag = False
    """One certificate for each node, all for the same user."""

    def report_conflicts(self, at: Location, problems: Problems) -> None:
        """Refuse a renewal that is always due: every run would issue a new certificate."""
        if self.renew_before_hours >= self.validity_hours:
            must = f"must be less than clientCertificate.validityHours ({self.validity_hours})"
            problems.invalid((*at, "renewBeforeHours"), self.renew_before_hours, must)


class LoginSection(Section):
    """Who logs in, and where."""

    user: UserName | None = None
    port: Annotated[int, whole_number(1, 65535)] | None = None
    private_key_file: FileName | None = None
    agent: Flag = False
    """The key is one of the SSH agent's."""

    def report_conflicts(self, at: Location, problems: Problems) -> None:
        """Refuse two places for one key."""
        if self.agent and self.private_key_file is not None:
            problems.forbidden((*at, "agent"), "must not be set together with privateKeyFile: keep one of the two")


class BastionSection(LoginSection):
    """`bastion` of an `ssh`: the host through which nodes are reached."""

    host: HostName = required("must be the bastion's IP address or DNS name")
    host_key: HostKey | None = None


class SSHSection(LoginSection):
    """`kube-proxy:ssh`, for all nodes."""

    bastion: BastionSection | None = None
    known_hosts_file: FileName | None = None
    """Has the host keys of nodes and bastions without a hostKey."""


class NodeSSHSection(LoginSection):
    """`ssh` of a node. Its values win over those of `kube-proxy:ssh`; `bastion: null` means a direct connection."""

    host: HostName | None = None
    bastion: BastionSection | None = None

    @classmethod
    def is_unset(cls, key: object, item: object) -> bool:
        """Return whether a value counts as unset: a null does, except for the bastion."""
        return item is None and key != "bastion"


Configuration: TypeAlias = Annotated[dict[str, object], at_most(1000, "values")]
"""Of the fleet, or of a node. What the fleet has is checked again with what each node has."""


class NodeSection(Section):
    """An item of `kube-proxy:nodes`."""

    name: NodeName = required("must be the Node object's name (e.g. k8s-node01): see kubectl get nodes")
    address: NodeAddress = required("must be the node's IP address (e.g. 192.168.99.101)")
    host_key: HostKey | None = None
    ssh: NodeSSHSection = NodeSSHSection()
    configuration: Configuration = Field(default={})


Nodes: TypeAlias = Annotated[list[NodeSection], at_most(10_000, "nodes")]
"""Kubernetes supports clusters of up to 5,000."""


class BinarySource(StrEnum):
    """Where a node's kube-proxy binary comes from."""

    PREINSTALLED = "preinstalled"  # it is on the node and only checked
    FILE = "file"  # copied from the machine that runs Pulumi
    URL = "url"  # downloaded by the node


class DigestsSection(Section):
    """`sha256` of `kube-proxy:binary`: 64 hexadecimal digits, or a file as sha256sum writes it."""

    amd64: FileName | None = None
    arm64: FileName | None = None


class BinarySection(Section):
    """`kube-proxy:binary`."""

    version: SupportedVersion = required("must be kube-proxy's version (e.g. 1.36.2)")
    source: BinarySource = BinarySource.PREINSTALLED
    path: FileName | None = None
    url: DownloadURL | None = None
    sha256: DigestsSection = DigestsSection()


class UnitDirectory(StrEnum):
    """Where a node's unit is. Of the others that systemd reads, a boot empties /run, and mounts /usr/local too late."""

    USR = "/usr/lib/systemd/system"
    ETC = "/etc/systemd/system"  # writable where /usr is not


class Service(Section):
    """`kube-proxy:service`: kube-proxy works in `<k8sDir>/kube-proxy` and logs at klog's level `verbosity`.

    Its unit is in `unitDirectory`, its binary in `binaryDirectory`. `hardened` gives it only the rights that it needs.
    """

    k8s_dir: DirectoryOnNode = "/opt/k8s"
    unit_directory: UnitDirectory = UnitDirectory.USR
    binary_directory: BinaryDirectory = "/usr/local/bin"
    verbosity: Annotated[int, whole_number(0, 10)] = 2
    hardened: Flag = True

    @property
    def binary_path(self) -> str:
        """The binary's path on a node."""
        return f"{self.binary_directory}/kube-proxy"

    def report_conflicts(self, at: Location, problems: Problems) -> None:
        """Refuse a file where a directory must be."""
        unit = f"{self.unit_directory}/kube-proxy.service"
        if f"{self.k8s_dir}/kube-proxy/".startswith(f"{self.binary_path}/"):
            must = f"must not put the binary where the working directory is: {self.k8s_dir}/kube-proxy (k8sDir)"
            problems.invalid((*at, "binaryDirectory"), self.binary_directory, must)
        for key, directory in (("k8sDir", self.k8s_dir), ("binaryDirectory", self.binary_directory)):
            if f"{directory}/".startswith(f"{unit}/"):
                problems.invalid((*at, key), directory, "must be a directory, not the unit")


class RolloutSettings(Section):
    """`kube-proxy:rollout`: `canary` nodes change first, then batches of `maxUnavailable`, a number or a percentage.

    A node must serve within `healthTimeoutSeconds` and stay up for `minReadySeconds`, as a Deployment's pods must;
    otherwise it is rolled back. Without `removeForeignVirtualServers` a node fails its preflight if kube-proxy would
    remove IPVS virtual servers of other programs, and without `takeOver` if a unit of another owner hides ours. With
    `handover` a change to or from mode nftables keeps rules in the kernel (scripts/handover.sh). Open connections
    through IPVS have `connectionDrainSeconds` to end before its rules go.
    """

    canary: Annotated[int, whole_number(0, 100_000, " of nodes")] = 1
    max_unavailable: MaxUnavailable = "25%"
    health_timeout_seconds: Annotated[int, whole_number(5, 3600, " of seconds")] = 60
    min_ready_seconds: Annotated[int, whole_number(0, 3600, " of seconds")] = 10
    remove_foreign_virtual_servers: Flag = False
    take_over: Flag = False
    handover: Flag = True
    connection_drain_seconds: Annotated[int, whole_number(0, 3600, " of seconds")] = 30

    def batch_size(self, nodes: int) -> int:
        """Return how many of `nodes` may change at a time. A percentage rounds up: 25 % of five nodes are two."""
        if isinstance(self.max_unavailable, int):
            return self.max_unavailable
        return -(-nodes * int(self.max_unavailable.removesuffix("%")) // 100)


class Stack(Section):
    """The keys of a stack's configuration, without their `kube-proxy:`."""

    cluster: Cluster = Cluster()
    certificate_authority: CertificateAuthoritySection = CertificateAuthoritySection()
    ca_private_key: SecretStr | None = None
    admin_kubeconfig: SecretStr | None = None
    client_certificate: ClientCertificateSettings = ClientCertificateSettings()
    ssh: SSHSection = SSHSection()
    ssh_private_key: SecretStr | None = None
    sudo_password: SecretStr | None = None
    nodes: Nodes | None = None
    nodes_file: FileName | None = None
    binary: BinarySection = BinarySection()
    configuration: Configuration = Field(default={})
    service: Service = Service()
    rollout: RolloutSettings = RolloutSettings()


class NodesFile(Section):
    """The content of `kube-proxy:nodesFile`, under that key: problems are at `nodesFile[1].name`."""

    nodes_file: Nodes = Field(default=[])
