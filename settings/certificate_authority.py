"""The certificate authority (CA) that issues kube-proxy's client certificate.

There are three ways: the CA's private key, a CA that this or another stack generates, or a signer in the cluster. The
tls plugin accepts an expired CA, a server's certificate and a bundle in any order, so all of that is checked here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, TypeAlias

from cryptography import x509
from pydantic import SecretStr

from settings.admin_kubeconfig import read_kubeconfig
from settings.files import Files
from settings.private_keys import ca_key, parse_file_or_secret
from settings.problems import OMITTED, Location, Problems, find
from settings.stack import Stack
from settings.x509 import parse_issuers, parse_trust_bundle, path_to_root, to_pem

_CERTIFICATE: Final = ("certificateAuthority", "certificateFile")
_PRIVATE_KEY: Final = ("certificateAuthority", "privateKeyFile")
_SECRET: Final = ("caPrivateKey",)
_TRUST_BUNDLE: Final = ("certificateAuthority", "trustBundleFile")
_GENERATE: Final = ("certificateAuthority", "generate")
_SIGNER: Final = ("certificateAuthority", "signer")
_VALIDITY: Final = ("clientCertificate", "validityHours")

_REQUEST: Final = (
    *(("certificateAuthority", key) for key in ("kubeconfigFile", "context", "approvalTimeoutSeconds")),
    ("adminKubeconfig",),
)


@dataclass(frozen=True)
class CAWithKey:
    """The cluster's CA with its private key, in PEM."""

    certificate_pem: str  # of the issuer alone
    private_key_pem: SecretStr
    chain_pem: str  # what a client sends after its own certificate: the issuers below the root; empty for a root
    trust_bundle_pem: str  # what nodes verify the API servers by
    not_after: datetime  # the earliest end on the path to the root


@dataclass(frozen=True)
class GeneratedCA:
    """A CA that a stack generates. Without a bundle, nodes verify the API servers by its certificate."""

    VALIDITY_HOURS: ClassVar[int] = 87_600

    trust_bundle_pem: str | None
    by_stack: str | None = None  # another stack; None for this one


@dataclass(frozen=True)
class KubernetesSigner:
    """A signer for CertificateSigningRequests. The certificates of its CA are as in CAWithKey."""

    MOST_VALIDITY_HOURS: ClassVar[int] = (2**31 - 1) // 3600
    """A request's expirationSeconds is a signed 32 bit number."""

    name: str
    kubeconfig: SecretStr  # JSON: one context, certificates and keys embedded
    approval_timeout_seconds: int
    chain_pem: str
    trust_bundle_pem: str
    not_after: datetime


CertificateAuthoritySettings: TypeAlias = CAWithKey | GeneratedCA | KubernetesSigner


def read_certificate_authority(
    stack: Stack, values: Mapping[str, object], files: Files
) -> CertificateAuthoritySettings | None:
    """Return the certificate authority, or None and problems."""
    section = stack.certificate_authority
    _forbid_other_ways(stack, values, files.problems)
    _limit_validity(stack, files.problems)
    if section.generate or section.generated_by:
        return GeneratedCA(to_pem(_trust_bundle(stack, files)) or None, section.generated_by)
    found = _certificates(stack, files)
    key = None if section.signer else _private_key(stack, files, found)
    kubeconfig = read_kubeconfig(stack, files) if section.signer else None
    trusted = _trust_bundle(stack, files) if section.trust_bundle_file else found
    if not found or not trusted:
        return None
    path = path_to_root(found)
    # The API servers trust the root already, and may know no other certificate of the path.
    chain_pem = to_pem([certificate for certificate in path if certificate.issuer != certificate.subject])
    trust_bundle_pem = to_pem(trusted)
    not_after = min(certificate.not_valid_after_utc for certificate in path)
    if section.signer and kubeconfig:
        seconds = section.approval_timeout_seconds
        return KubernetesSigner(section.signer, kubeconfig, seconds, chain_pem, trust_bundle_pem, not_after)
    if key:
        return CAWithKey(to_pem(found[:1]), key, chain_pem, trust_bundle_pem, not_after)
    return None


def _forbid_other_ways(stack: Stack, values: Mapping[str, object], problems: Problems) -> None:
    """Report keys that belong to another way than the chosen one."""

    def forbid(places: Iterable[Location], detail: str) -> None:
        for at in places:
            if find(values, at) not in (OMITTED, None):
                problems.forbidden(at, detail)

    both = "must not be set together with certificateAuthority.{}: keep one of the two"
    if stack.certificate_authority.generated_by:
        forbid((_CERTIFICATE, _PRIVATE_KEY, _SECRET, _SIGNER, _GENERATE), both.format("generatedBy"))
    elif stack.certificate_authority.generate:
        forbid((_CERTIFICATE, _PRIVATE_KEY, _SECRET, _SIGNER), both.format("generate"))
    elif stack.certificate_authority.signer:
        forbid((_PRIVATE_KEY, _SECRET), both.format("signer"))
    if not stack.certificate_authority.signer:
        forbid(_REQUEST, "must not be set without certificateAuthority.signer")


def _limit_validity(stack: Stack, problems: Problems) -> None:
    section, hours = stack.certificate_authority, stack.client_certificate.validity_hours
    own, most = GeneratedCA.VALIDITY_HOURS, KubernetesSigner.MOST_VALIDITY_HOURS
    if (section.generate or section.generated_by) and hours >= own:
        must = f"must be less than {own}, the lifetime of the generated certificate authority"
        problems.invalid(_VALIDITY, hours, must)
    if section.signer and hours > most:
        must = f"must be at most {most} with certificateAuthority.signer: a request's expirationSeconds has 31 bits"
        problems.invalid(_VALIDITY, hours, must)


def _certificates(stack: Stack, files: Files) -> Sequence[x509.Certificate]:
    """Return the certificates of the file, of which the first issues; none, and a problem, if it can't."""
    if name := stack.certificate_authority.certificate_file:
        return files.parse(name, _CERTIFICATE, parse_issuers) or ()
    files.problems.required(_CERTIFICATE, "must name the certificate authority's certificate (e.g. cert/ca.pem)")
    return ()


def _trust_bundle(stack: Stack, files: Files) -> Sequence[x509.Certificate]:
    """Return the certificates of trustBundleFile, by which the nodes verify the API servers; none if it is unset."""
    name = stack.certificate_authority.trust_bundle_file
    return files.parse(name, _TRUST_BUNDLE, parse_trust_bundle) or () if name else ()


def _private_key(stack: Stack, files: Files, found: Sequence[x509.Certificate]) -> SecretStr | None:
    name, secret = stack.certificate_authority.private_key_file, stack.ca_private_key
    what = "the CA's private key (e.g. cert/ca-key.pem)"
    return parse_file_or_secret(files, name, _PRIVATE_KEY, secret, _SECRET, lambda pem: ca_key(pem, found), what)
