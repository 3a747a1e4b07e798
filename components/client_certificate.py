"""kube-proxy's key and its client certificate, for the user `system:kube-proxy`."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pulumi
import pulumi_tls as tls
from cryptography import x509

import documents.certificate_request
from components.certificate_authority import CertificateAuthority
from components.cluster_signer import ClusterSigner
from components.issuance import CertificateRequest
from documents.certificate_request import USER
from settings import ClientCertificateSettings, KeyAlgorithm, Subject

_KEYS: Mapping[KeyAlgorithm, tls.PrivateKeyArgs] = {
    KeyAlgorithm.RSA_2048: tls.PrivateKeyArgs(algorithm="RSA", rsa_bits=2048),
    KeyAlgorithm.RSA_3072: tls.PrivateKeyArgs(algorithm="RSA", rsa_bits=3072),
    KeyAlgorithm.RSA_4096: tls.PrivateKeyArgs(algorithm="RSA", rsa_bits=4096),
    KeyAlgorithm.ECDSA_P256: tls.PrivateKeyArgs(algorithm="ECDSA", ecdsa_curve="P256"),
    KeyAlgorithm.ECDSA_P384: tls.PrivateKeyArgs(algorithm="ECDSA", ecdsa_curve="P384"),
    KeyAlgorithm.ED25519: tls.PrivateKeyArgs(algorithm="ED25519"),
}


class ClientCertificate(pulumi.ComponentResource):
    """A key and its certificate: CN=system:kube-proxy, no subject alternative name, client auth only.

    The first `pulumi up` within `renew_before_hours` of the certificate's end issues it again, for the same key.
    """

    subject: pulumi.Output[str]
    """As in RFC 4514 and in `openssl x509 -subject -nameopt RFC2253,-esc_msb`."""
    certificate_pem: pulumi.Output[str]
    """The certificate and its issuers below the root: an API server may know only the root."""
    private_key_pem: pulumi.Output[str]
    """PKCS#1 (RSA), SEC 1 (ECDSA) or PKCS#8 (Ed25519); a secret."""
    not_before: pulumi.Output[str]
    """RFC 3339, in UTC, to the second."""
    not_after: pulumi.Output[str]
    """RFC 3339, in UTC, to the second."""

    def __init__(
        self,
        name: str,
        settings: ClientCertificateSettings,
        authority: CertificateAuthority | ClusterSigner,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kube-proxy:index:ClientCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", _KEYS[settings.key_algorithm], child)
        request = _request(f"{name}-request", settings.subject, key.private_key_pem, child)
        usages = _key_usages(settings.key_algorithm)
        issued = authority.issue(CertificateRequest(name, self, settings, key.private_key_pem, request, usages))
        self.subject = issued.certificate_pem.apply(_subject)
        self.certificate_pem = issued.certificate_pem.apply(lambda pem: pem + authority.chain_pem)
        self.private_key_pem = key.private_key_pem
        self.not_before = issued.not_before.apply(_to_the_second)
        self.not_after = issued.not_after.apply(_to_the_second)
        self.register_outputs({"notBefore": self.not_before, "notAfter": self.not_after})


def _request(name: str, subject: Subject, key: pulumi.Output[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return the tls plugin's request, which the state keeps, or one of our own: the plugin takes one organization."""
    if len(subject.organizations) > 1:
        return pulumi.Output.unsecret(
            key.apply(lambda pem: documents.certificate_request.render(subject=subject, private_key_pem=pem))
        )
    parts = tls.CertRequestSubjectArgs(
        common_name=USER,
        country=subject.country,
        province=subject.province,
        locality=subject.locality,
        organization=next(iter(subject.organizations), None),
        organizational_unit=subject.organizational_unit,
    )
    return tls.CertRequest(name, private_key_pem=key, subject=parts, opts=opts).cert_request_pem


def _key_usages(algorithm: KeyAlgorithm) -> list[str]:
    """Return the usages without client auth. Key encipherment is for RSA only (RFC 8813, section 3)."""
    return ["digital_signature", *(["key_encipherment"] if algorithm.startswith("RSA") else [])]


def _subject(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def _to_the_second(timestamp: str) -> str:
    """Return the time in UTC: the tls plugin writes fractions of a second, in the time zone of its machine."""
    return datetime.fromisoformat(timestamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
