"""X.509 certificates of certificate authorities: what Go and OpenSSL require of them, and the path to the root."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_MOST_ISSUERS = 32
"""More than any path has. Each may have to be verified with each other one."""

_MOST_TRUSTED = 1000
"""Operating systems come with about 150."""

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for certificates that it can't parse."""

_FOR_CLIENTS = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def parse_issuers(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, of which the first issues, in their order. Anything else is skipped.

    Raises:
        ValueError: there is no certificate, one can't be parsed, or the first or an issuer of it can't issue.
    """
    certificates = _load(text, _MOST_ISSUERS, "must be a certificate in PEM (-----BEGIN CERTIFICATE-----)")
    if must := _issuer_error(certificates, datetime.now(UTC)):
        raise ValueError(must)
    return certificates


def parse_trust_bundle(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text.

    Expired certificates are allowed beside valid ones; they are normal during a rotation.

    Raises:
        ValueError: there is no certificate, one can't be parsed, or all have expired.
    """
    trusted = _load(text, _MOST_TRUSTED, "must be certificates in PEM (-----BEGIN CERTIFICATE-----)")
    last = max(certificate.not_valid_after_utc for certificate in trusted)
    if last <= datetime.now(UTC):
        raise ValueError(f"must have a certificate that is still valid, but the last one expired {_minute(last)}")
    return trusted


def _load(text: str, most: int, must: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text. Raises ValueError, with `must` also for what is parsed only when read."""
    if text.count("-----BEGIN CERTIFICATE-----") > most:
        raise ValueError(f"must be at most {most} certificates")
    try:
        certificates = x509.load_pem_x509_certificates(text.encode())
        for certificate in certificates:
            list(certificate.extensions)
            str(
                (
                    certificate.issuer,
                    certificate.subject,
                    certificate.not_valid_before_utc,
                    certificate.not_valid_after_utc,
                )
            )
            certificate.public_key()
    except _UNREADABLE:
        raise ValueError(must) from None
    return certificates


def to_pem(certificates: Sequence[x509.Certificate]) -> str:
    """Return the certificates in PEM, without comments or keys that were beside them."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def path_to_root(certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the first certificate, its issuer, that one's issuer, and so on, as far as they are there."""
    path = [certificates[0]]
    while issuer := next((other for other in certificates if other not in path and _issued(other, path[-1])), None):
        path.append(issuer)
    return path


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _issuer_error(certificates: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Return what the first certificate, or an issuer of it, must be to issue for clients; None if they can."""
    for certificate in path_to_root(certificates):
        if must := _error(certificate, now):
            which = f"certificate {certificates.index(certificate) + 1}, {certificate.subject.rfc4514_string()}, "
            return f"{which if len(certificates) > 1 else ''}{must}"
    return None


def _error(certificate: x509.Certificate, now: datetime) -> str | None:
    """RFC 5280, 4.2.1.3, 4.2.1.9 and 4.2.1.12, and the validity.

    Go's crypto/x509 and OpenSSL apply a CA's extended key usage to every certificate below it.
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
        begin = _minute(certificate.not_valid_before_utc)
        return f"must already be valid, but starts {begin}: check this machine's clock"
    if now >= certificate.not_valid_after_utc:
        end = _minute(certificate.not_valid_after_utc)
        return f"must still be valid, but expired {end}: renew the certificate authority first"
    return None


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
