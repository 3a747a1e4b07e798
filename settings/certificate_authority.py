"""The certificate authority that issues kube-proxy's client certificate: it must be able to, today.

Its key is given, or the stack's own, or the cluster's: then it is asked by a request.

The tls plugin takes an expired authority, a server's certificate, a bundle in any order: it must be noticed here.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from settings import certificate_ways, certificates, kubeconfig
from settings.files import Files
from settings.model import CertificateAuthority, ClusterSigner, OwnCertificateAuthority
from settings.private_keys import PrivateKey, one_of_file_and_secret, parse_pem
from settings.problems import OMITTED, Location
from settings.stack import Stack

_CERTIFICATE: Location = ("certificateAuthority", "certificateFile")
_PRIVATE_KEY: Location = ("certificateAuthority", "privateKeyFile")
_SECRET: Location = ("caPrivateKey",)
_TRUST_BUNDLE: Location = ("certificateAuthority", "trustBundleFile")

_APPROVAL_SECONDS = 600

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_KEY = re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----.*?-----END ([A-Z]+ )?PRIVATE KEY-----", re.DOTALL)


def read(stack: Stack, files: Files) -> CertificateAuthority | OwnCertificateAuthority | ClusterSigner | None:
    """Return the certificate authority, or None and problems."""
    section = stack.certificate_authority
    certificate_ways.refuse_two(stack, files.problems)
    if section.generate:
        return _own(stack, files)
    found = _certificates(stack, files)
    key = None if section.signer else _private_key(stack, files, found)
    asking = kubeconfig.read(stack, files) if section.signer else None
    trusted = _trust_bundle(stack, files) if section.trust_bundle_file else found
    if not found or not trusted:
        return None
    path = certificates.path(found)
    # The root is what the API servers trust already, and all that they may know of it.
    shown = [certificate for certificate in path if certificate.issuer != certificate.subject]
    chain_pem, trust_bundle_pem = certificates.to_pem(shown), certificates.to_pem(trusted)
    not_after = min(certificate.not_valid_after_utc for certificate in path)
    if section.signer and asking:
        seconds = section.approval_timeout_seconds or _APPROVAL_SECONDS
        return ClusterSigner(section.signer, asking, seconds, chain_pem, trust_bundle_pem, not_after)
    if key:
        return CertificateAuthority(certificates.to_pem(found[:1]), key, chain_pem, trust_bundle_pem, not_after)
    return None


def _certificates(stack: Stack, files: Files) -> Sequence[x509.Certificate]:
    """Return the file's certificates, of which the first issues; none, and problems, where it can't."""
    name = stack.certificate_authority.certificate_file
    if name is None:
        files.problems.required(_CERTIFICATE, "must name the certificate authority's certificate (e.g. cert/ca.pem)")
        return ()
    text = files.text(name, _CERTIFICATE)
    if text is None:
        return ()
    try:
        found = certificates.parse(text)
        reason = _unfit(found)
    except ValueError:
        reason = "must be a certificate in PEM (-----BEGIN CERTIFICATE-----)"
    if reason is not None:
        files.problems.invalid(_CERTIFICATE, name, reason)
        return ()
    return found


def _own(stack: Stack, files: Files) -> OwnCertificateAuthority:
    hours, most = stack.client_certificate.validity_hours, OwnCertificateAuthority.VALIDITY_HOURS
    if hours >= most:
        must = f"must be less than {most}, the life of a certificate authority of the stack's own"
        files.problems.invalid(("clientCertificate", "validityHours"), hours, must)
    return OwnCertificateAuthority(certificates.to_pem(_trust_bundle(stack, files)) or None)


def _trust_bundle(stack: Stack, files: Files) -> Sequence[x509.Certificate]:
    """Return the certificates of a bundle of its own by which the nodes verify the API servers; none if none is named.

    One that ended does no harm beside others: whoever rotates a CA takes it away in his own time.
    """
    name = stack.certificate_authority.trust_bundle_file
    text = None if name is None else files.text(name, _TRUST_BUNDLE)
    if text is None:
        return ()
    try:
        trusted = certificates.parse(text)
    except ValueError:
        files.problems.invalid(_TRUST_BUNDLE, name, "must be certificates in PEM (-----BEGIN CERTIFICATE-----)")
        return ()
    last = max(certificate.not_valid_after_utc for certificate in trusted)
    if last <= datetime.now(UTC):
        must = f"must have a certificate that is valid still; the last of it ended {certificates.minute(last)}"
        files.problems.invalid(_TRUST_BUNDLE, name, must)
        return ()
    return trusted


def _unfit(found: Sequence[x509.Certificate]) -> str | None:
    """Return what the first certificate, or one that it is issued by, must be."""
    for certificate in certificates.path(found):
        if reason := certificates.unfit(certificate, datetime.now(UTC)):
            which = f"its certificate {found.index(certificate) + 1}, {certificate.subject.rfc4514_string()}, "
            return f"{which if len(found) > 1 else ''}{reason}"
    return None


def _private_key(stack: Stack, files: Files, found: Sequence[x509.Certificate]) -> SecretStr | None:
    name = stack.certificate_authority.private_key_file
    given = one_of_file_and_secret(
        files,
        name,
        _PRIVATE_KEY,
        stack.ca_private_key,
        _SECRET,
        "the CA's private key (e.g. cert/ca-key.pem)",
    )
    if given is None:
        return None
    pem, at = given
    try:
        key = parse_pem(pem, "openssl pkey -in FILE -out DECRYPTED")
        _check_key(key, found)
    except ValueError as error:
        files.problems.invalid(at, name if at == _PRIVATE_KEY else OMITTED, str(error))
        return None
    # The key alone: openssl writes the curve's parameters before it, and the tls plugin reads the first block only.
    block = _KEY.search(pem)
    return SecretStr(f"{block[0]}\n" if block else pem)


def _check_key(key: PrivateKey, found: Sequence[x509.Certificate]) -> None:
    """Raise ValueError where it isn't the first certificate's key, or of a kind that Go doesn't sign with."""
    known = isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES)
    )
    if not known:
        raise ValueError("must be an RSA, ECDSA (P-256, P-384 or P-521) or Ed25519 key: Kubernetes verifies no other")
    own = [_encoded(certificate.public_key()) for certificate in found]
    encoded = _encoded(key.public_key())
    if encoded in own[1:] and encoded != own[0]:
        number = own.index(encoded) + 1
        raise ValueError(
            "must be the private key of the first certificate in certificateAuthority.certificateFile, which issues; "
            f"it is that of certificate {number}: put certificate {number} first"
        )
    if own and encoded != own[0]:
        raise ValueError("must be the private key of certificateAuthority.certificateFile")


def _encoded(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
