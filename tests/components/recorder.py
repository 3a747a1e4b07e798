"""Pulumi mocks that record every registered resource and fail for unknown types."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest
from pydantic import SecretStr

from components.delivery import Delivery
from settings import SSH, KubeProxyConfiguration, NodeSettings
from settings.addresses import Address

REPORT = """\
generation: abc
active: true
enabled: true
version: 1.36.2
mode: ipvs
listeners: [192.168.99.101:10256, 192.168.99.101:10249]
kubernetesService: 10.0.0.1:443
request: answered
"""

_KEY = ed25519.Ed25519PrivateKey.generate()
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "system:kube-proxy")])
CLIENT_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CLIENT_CERTIFICATE = (
    x509.CertificateBuilder(_NAME, _NAME, _KEY.public_key(), 1, datetime(2026, 11, 23), datetime(2027, 11, 23))
    .sign(_KEY, None)
    .public_bytes(Encoding.PEM)
    .decode()
)

OUTPUTS: dict[str, dict[str, object]] = {
    "tls:index/privateKey:PrivateKey": {"privateKeyPem": CLIENT_KEY},
    "tls:index/certRequest:CertRequest": {"certRequestPem": "REQUEST"},
    "tls:index/locallySignedCert:LocallySignedCert": {
        "certPem": CLIENT_CERTIFICATE,
        "validityStartTime": "2026-11-23T08:00:00Z",
        "validityEndTime": "2027-11-23T08:00:00Z",
    },
    "tls:index/selfSignedCert:SelfSignedCert": {
        "certPem": "OWN-CA-CERTIFICATE",
        "validityEndTime": "2036-11-23T08:00:00.123456+01:00",
    },
    "pulumi:providers:kubernetes": {},
    "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest": {
        "status": {"certificate": b64encode(CLIENT_CERTIFICATE.encode()).decode()}
    },
    "command:remote:Command": {"stdout": REPORT, "stderr": ""},
}


@dataclass
class Recorder(Mocks):
    """Every resource that was registered, in order."""

    resources: list[MockResourceArgs] = field(default_factory=list)
    depends_on: dict[str, set[str]] = field(default_factory=dict)
    """By a resource's name, the names of those that it waits for."""
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    """By a resource's name, what the hook would deliver before it."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, object]]:
        self.resources.append(args)
        if args.typ.startswith("kube-proxy:"):
            return None, args.inputs
        return f"{args.name}-id", args.inputs | OUTPUTS[args.typ]

    def call(self, args: MockCallArgs) -> tuple[dict[str, object], list[tuple[str, str]]]:
        raise AssertionError(f"unexpected function {args.token}")

    def of_type(self, typ: str) -> dict[str, dict[str, object]]:
        return {resource.name: resource.inputs for resource in self.resources if resource.typ == typ}

    @property
    def names(self) -> list[str]:
        return [resource.name for resource in self.resources]


class Monitor(MockMonitor):
    """The mocks' monitor, which also records what a resource waits for."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._recorder = recorder

    def RegisterResource(self, request: RegisterResourceRequest) -> object:  # noqa: N802 - the protocol's name
        waits_for = self._recorder.depends_on.setdefault(request.name, set())
        waits_for.update(urn.rpartition("::")[2] for urn in request.dependencies)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def node(index: int) -> NodeSettings:
    name, address = f"k8s-node{index:02}", Address(f"192.168.99.{100 + index}")
    ssh = SSH(address, 22, "root", SecretStr("SSH-KEY"), "ssh-ed25519 AAAA")
    return NodeSettings(name, address, {"mode": "ipvs"}, KubeProxyConfiguration(), ssh)


Deploy = Callable[..., Recorder]
