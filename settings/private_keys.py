"""Private keys, from a file or from a secret of the stack. No message contains any part of a key."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

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
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes
from pydantic import SecretStr

from settings.files import Files
from settings.problems import OMITTED, Location

PrivateKey: TypeAlias = PrivateKeyTypes | SSHPrivateKeyTypes

_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_KEY: Final = re.compile(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----.*?-----END ([A-Z]+ )?PRIVATE KEY-----", re.DOTALL)


class Given(NamedTuple):
    """A text from a file or a secret: where it was given, and the value that messages show (OMITTED for a secret)."""

    text: str
    at: Location
    shown: object


def file_or_secret(
    files: Files,
    name: str | None,
    at: Location,
    secret: SecretStr | None,
    secret_at: Location,
    what: str,
    *,
    itself: str = "the key itself",
) -> Given | None:
    """Return the text of `what` from the file or from the secret; exactly one of the two must be given.

    The text ends in one newline. `pulumi config set` strips it, and without it the same key would be a change when it
    moves from a file to a secret, and a new certificate would be issued.
    """
    if name is not None and secret is not None:
        files.problems.forbidden(secret_at, f"must not be given beside {'.'.join(map(str, at))}: keep one of the two")
    elif secret is not None:
        return Given(f"{secret.get_secret_value().strip()}\n", secret_at, OMITTED)
    elif name is None:
        command = f"pulumi config set --secret kube-proxy:{secret_at[-1]} < FILE"
        files.problems.required(
            at, f"must name the file of {what}, or {itself} must be a secret of the stack: {command}"
        )
    elif (text := files.text(name, at)) is not None:
        return Given(f"{text.strip()}\n", at, name)
    return None


def parse_ssh_key(pem: str) -> PrivateKey:
    """Return a private key in OpenSSH's own form or in PEM.

    Raises:
        ValueError: it is no private key, or it is encrypted.
    """
    decrypt = "ssh-keygen -p -N '' -f FILE"
    if "BEGIN OPENSSH PRIVATE KEY" not in pem:
        return _parse_pem(pem, decrypt)
    try:
        return load_ssh_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError(f"must be unencrypted; to take its passphrase away: {decrypt}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a private key of SSH (e.g. made by ssh-keygen -t ed25519)") from None


def ca_key_pem(pem: str, certificates: Sequence[x509.Certificate]) -> str:
    """Return the PEM block of a CA's private key in PKCS#1, SEC 1 or PKCS#8 form.

    Raises:
        ValueError: it is no private key, it is encrypted, Kubernetes doesn't verify its signatures, or it isn't the key
            of the first certificate. Without certificates their problem is reported elsewhere.
    """
    key = _parse_pem(pem, "openssl pkey -in FILE -out DECRYPTED")
    known = isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES)
    )
    if not known:
        raise ValueError("must be an RSA, ECDSA (P-256, P-384 or P-521) or Ed25519 key: Kubernetes verifies no other")
    public_keys = [_encoded(certificate.public_key()) for certificate in certificates]
    own = _encoded(key.public_key())
    if public_keys and own != public_keys[0]:
        if own not in public_keys:
            raise ValueError("must be the private key of certificateAuthority.certificateFile")
        number = public_keys.index(own) + 1
        raise ValueError(
            "must be the private key of the first certificate in certificateAuthority.certificateFile, which issues; "
            f"it is that of certificate {number}: put certificate {number} first"
        )
    # openssl writes the curve's parameters before the key, and the tls plugin reads the first block only.
    block = _KEY.search(pem)
    return f"{block[0]}\n" if block else pem


def _parse_pem(pem: str, decrypt: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError(f"must be unencrypted; to take its passphrase away: {decrypt}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)") from None


def _encoded(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
