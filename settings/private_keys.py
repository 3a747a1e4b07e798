"""Private keys, from a file or from a secret of the stack. No message contains any part of a key."""

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from pydantic import SecretStr

from settings.files import Files
from settings.problems import OMITTED, Location, Parsed, field_path

_LONGEST: Final = 32 * 1024
_MOST_BITS: Final = 16_384
"""OpenSSL refuses larger public keys."""

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_KEY: Final = re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----.*?-----END ([A-Z]+ )?PRIVATE KEY-----", re.DOTALL)
_IN_PEM: Final = "must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)"


class _Loader(Protocol):
    def __call__(self, data: bytes, password: None, *, unsafe_skip_rsa_key_validation: bool) -> PrivateKeyTypes: ...


def parse_file_or_secret(
    files: Files,
    name: str | None,
    at: Location,
    secret: SecretStr | None,
    secret_at: Location,
    parse: Callable[[str], Parsed],
    what: str,
) -> Parsed | None:
    """Return what `parse` makes of `what`, from a file or from a secret. Exactly one of the two must be set.

    The text always ends in one newline, which `pulumi config set` strips. Otherwise a key that moves from a file to a
    secret would look changed, and a new certificate would be issued.
    """

    def parse_line(text: str) -> Parsed:
        return parse(f"{text.strip()}\n")

    if name is not None and secret is not None:
        files.problems.forbidden(secret_at, f"must not be set together with {field_path(at)}: keep one of the two")
    elif secret is not None:
        return files.problems.parse(secret.get_secret_value(), secret_at, OMITTED, parse_line)
    elif name is not None:
        return files.parse(name, at, parse_line)
    else:
        command = f"pulumi config set --secret kube-proxy:{secret_at[-1]} < FILE"
        must = f"must name the file with {what}; or set a secret of the stack instead: {command}"
        files.problems.required(at, must)
    return None


def ssh_key(pem: str) -> SecretStr:
    """Accept a private key in OpenSSH's own form or in PEM.

    Raises:
        ValueError: it is no private key, or it is encrypted.
    """
    decrypt = "ssh-keygen -p -N '' -f FILE"
    if "BEGIN OPENSSH PRIVATE KEY" in pem:
        must = "must be an SSH private key (e.g. from ssh-keygen -t ed25519)"
        _load(load_ssh_private_key, pem, decrypt, must)
    else:
        _load(load_pem_private_key, pem, decrypt, _IN_PEM)
    return SecretStr(pem)


def ca_key(pem: str, certificates: Sequence[x509.Certificate]) -> SecretStr:
    """Return the PEM block of a CA's private key, in PKCS#1, SEC 1 or PKCS#8 form.

    Raises:
        ValueError: it is no private key, it is encrypted, its kind is not supported, or it is not the key of the first
            certificate. Without certificates the last is not checked.
    """
    key = _load(load_pem_private_key, pem, "openssl pkey -in FILE -out DECRYPTED", _IN_PEM)
    known = isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES)
    )
    if not known:
        raise ValueError("must be an RSA, ECDSA (P-256, P-384 or P-521) or Ed25519 key: Kubernetes can't verify others")
    public_keys = [_encoded(certificate.public_key()) for certificate in certificates]
    own = _encoded(key.public_key())
    if public_keys and own != public_keys[0]:
        if own not in public_keys:
            raise ValueError("must be the private key of certificateAuthority.certificateFile")
        number = public_keys.index(own) + 1
        raise ValueError(
            "must be the private key of the first certificate in certificateAuthority.certificateFile, the issuer; "
            f"it belongs to certificate {number}: put certificate {number} first"
        )
    # openssl writes the curve's parameters before the key, and the tls plugin reads only the first block.
    block = _KEY.search(pem)
    return SecretStr(f"{block[0]}\n" if block else pem)


def _load(load: _Loader, pem: str, decrypt: str, must: str) -> PrivateKeyTypes:
    """`decrypt` is the command that removes the passphrase."""
    if len(pem) > _LONGEST:
        raise ValueError(must)
    try:
        key = load(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        if isinstance(key, rsa.RSAPrivateKey):
            _validate(key)
    except TypeError:
        raise ValueError(f"must be unencrypted; to remove its passphrase: {decrypt}") from None
    except (ValueError, ZeroDivisionError, UnsupportedAlgorithm):
        raise ValueError(must) from None
    return key


def _validate(key: rsa.RSAPrivateKey) -> None:
    """Raise ValueError if the numbers don't fit. OpenSSL also tests the primes, for minutes if they are large."""
    if key.key_size > _MOST_BITS:
        raise ValueError
    numbers = key.private_numbers()
    p, q, d, e = numbers.p, numbers.q, numbers.d, numbers.public_numbers.e
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    if crt != (numbers.dmp1, numbers.dmq1, numbers.iqmp) or not e * d % (p - 1) == e * d % (q - 1) == 1:
        raise ValueError


def _encoded(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
