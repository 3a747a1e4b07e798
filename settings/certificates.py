"""X.509 certificates of authorities: what Go's and OpenSSL's verification ask of them, and the way up to their root."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_FOR_CLIENTS = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def parse(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, in its order; whatever else is in it is passed over.

    Raises:
        ValueError: there is none, or one of them can't be read.
    """
    return x509.load_pem_x509_certificates(text.encode())


def to_pem(certificates: Sequence[x509.Certificate]) -> str:
    """Return the certificates in PEM and nothing else: no comment, no key that stood beside them."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def unfit(certificate: x509.Certificate, now: datetime) -> str | None:
    """Return what a certificate that can't issue for clients must be; None if it can.

    RFC 5280, 4.2.1.3, 4.2.1.9 and 4.2.1.12, and its validity. Go's crypto/x509 and OpenSSL apply an extended key usage
    of an authority to all that is below it.
    """
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return "must be a certificate authority's certificate (basicConstraints CA:TRUE), not a server's or client's"
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return "must be allowed to sign certificates (keyUsage keyCertSign)"
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    if extended is not None and not _FOR_CLIENTS & set(extended):
        return "must be allowed to issue for clients (extendedKeyUsage clientAuth, or no extendedKeyUsage)"
    if now < certificate.not_valid_before_utc:
        return (
            f"must be valid already; it begins {minute(certificate.not_valid_before_utc)}: check this machine's clock"
        )
    if now >= certificate.not_valid_after_utc:
        ended = minute(certificate.not_valid_after_utc)
        return f"must be valid still; it ended {ended}: renew the certificate authority first"
    return None


def path(certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the first certificate, that of its issuer among the others, and so on as far as they are there."""
    found = [certificates[0]]
    while issuer := next((other for other in certificates if other not in found and issued(other, found[-1])), None):
        found.append(issuer)
    return found


def issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether the issuer's key has signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def minute(moment: datetime) -> str:
    """Return a moment as messages say it: `2027-11-23 10:21 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
