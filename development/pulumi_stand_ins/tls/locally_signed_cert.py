"""tls:index/locallySignedCert:LocallySignedCert: a certificate signed by a given certificate authority."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.property_values import Properties, reveal
from development.pulumi_stand_ins.plugin.resource import Operation, OperationError
from development.pulumi_stand_ins.tls import issuing, pem, subject
from development.pulumi_stand_ins.tls.renewal import COMMON_DEFAULTS, COMMON_INPUTS, RenewedCertificate

_NO_AUTHORITY = (
    "[WARNING] Certificate provided as Authority does not appear to be a valid Certificate Authority. "
    "The resulting certificate might fail certificate validation.: Potentially Invalid Certificate Authority"
)


class LocallySignedCert(RenewedCertificate):
    """Signed with the CA's key. It can outlive the CA, and the signer doesn't have to be a CA."""

    inputs = ("certRequestPem", "caCertPem", "caPrivateKeyPem", *COMMON_INPUTS)
    required = ("certRequestPem", "caCertPem", "caPrivateKeyPem", "allowedUses", "validityPeriodHours")
    defaults = COMMON_DEFAULTS
    computed = ("certPem", "validityStartTime", "validityEndTime", "readyForRenewal", "caKeyAlgorithm")
    secret_outputs = ("caPrivateKeyPem",)

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:
        """Issue the certificate. The id is its serial number."""
        given = reveal(values)
        with pem.reading("certificate request"):
            request = pem.certificate_request(given["certRequestPem"])
        with pem.reading("CA private key"):
            key = pem.private_key(given["caPrivateKeyPem"])
        with pem.reading("CA certificate"):
            authority = pem.certificate(given["caCertPem"])
        if not _is_authority(authority):
            await operation.log(Severity.WARNING, _NO_AUTHORITY)
        if _spki(authority) != key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
            raise OperationError(
                "Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey"
            )
        holder = issuing.Holder(
            subject.reordered(request.subject), pem.public_key(request), _alternative_names(request)
        )
        issuer = issuing.Issuer(authority.subject, key, _key_id(authority))
        serial, outputs = issuing.issue(given, holder, issuer)
        return serial, outputs | {"caKeyAlgorithm": pem.algorithm(key)}


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _key_id(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _alternative_names(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
