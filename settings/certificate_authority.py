"""The certificate authority that issues kube-proxy's client certificate: it must be able to, today."""

from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from settings.files import Files
from settings.model import CertificateAuthority
from settings.private_keys import one_of_file_and_secret, parse_pem
from settings.problems import OMITTED, Location
from settings.stack import Stack

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_CERTIFICATE: Location = ("certificateAuthority", "certificateFile")
_PRIVATE_KEY: Location = ("certificateAuthority", "privateKeyFile")


def read(stack: Stack, files: Files) -> CertificateAuthority | None:
    """Return the certificate authority, or None and problems."""
    found = _certificate(stack, files)
    key = _private_key(stack, files, None if found is None else found[1])
    if found is None or key is None:
        return None
    pem, certificate = found
    return CertificateAuthority(pem, key, certificate.not_valid_after_utc)


def _certificate(stack: Stack, files: Files) -> tuple[str, x509.Certificate] | None:
    name = stack.certificate_authority.certificate_file
    if name is None:
        files.problems.required(_CERTIFICATE, "must name the certificate authority's certificate (e.g. cert/ca.pem)")
        return None
    pem = files.text(name, _CERTIFICATE)
    if pem is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        reason = _unfit(certificate)
    except ValueError:
        files.problems.invalid(_CERTIFICATE, name, "must be a certificate in PEM (-----BEGIN CERTIFICATE-----)")
        return None
    if reason is not None:
        files.problems.invalid(_CERTIFICATE, name, reason)
        return None
    return pem, certificate


def _unfit(certificate: x509.Certificate) -> str | None:
    """Return what a certificate that can't issue must be (RFC 5280, 4.2.1.3 and 4.2.1.9, and its validity)."""
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        return "must be a certificate authority's certificate (basicConstraints CA:TRUE), not a server's or client's"
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return "must be allowed to sign certificates (keyUsage keyCertSign)"
    now = datetime.now(UTC)
    if now < certificate.not_valid_before_utc:
        begins = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        return f"must be valid already; it begins {begins}: check this machine's clock"
    if now >= certificate.not_valid_after_utc:
        ended = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        return f"must be valid still; it ended {ended}: renew the certificate authority first"
    return None


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _private_key(stack: Stack, files: Files, certificate: x509.Certificate | None) -> SecretStr | None:
    name = stack.certificate_authority.private_key_file
    found = one_of_file_and_secret(
        files,
        name,
        _PRIVATE_KEY,
        stack.ca_private_key,
        ("caPrivateKey",),
        "the CA's private key (e.g. cert/ca-key.pem)",
    )
    if found is None:
        return None
    pem, at = found
    shown = name if at == _PRIVATE_KEY else OMITTED
    try:
        public_key = parse_pem(pem, "openssl pkey -in FILE -out DECRYPTED").public_key()
    except ValueError as error:
        files.problems.invalid(at, shown, str(error))
        return None
    if certificate is not None and _encoded(public_key) != _encoded(certificate.public_key()):
        files.problems.invalid(at, shown, "must be the private key of certificateAuthority.certificateFile")
        return None
    return SecretStr(pem)


def _encoded(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
