"""Parse PEM blocks and private keys as strictly as the official tls plugin, and with its error texts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from development.pulumi_stand_ins.plugin.resource import OperationError

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Algorithm(StrEnum):
    """Algorithms of private keys."""

    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "ED25519"


class PemError(Exception):
    """A text isn't the required PEM. The message never contains any of the text."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn PemErrors inside the block into OperationErrors that name what is parsed."""
    try:
        yield
    except PemError as error:
        raise OperationError(f"Failed to parse {what} PEM: {error}") from None


@dataclass(frozen=True)
class _Block:
    kind: str
    content: bytes = field(repr=False)

    def encode(self) -> bytes:
        label = self.kind.encode()
        return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, base64.encodebytes(self.content), label)


_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*\n(?:[\w-]+: .*\n)*\s*([A-Za-z0-9+/=\s]*?)-----END \1-----")
_KEY_KINDS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")


def private_key(text: str) -> PrivateKey:
    """Parse the first block: an unencrypted key in PKCS#1, SEC 1 or PKCS#8. Raises PemError."""
    block = _first_block(text)
    if block is None:
        raise PemError(f"failed to decode PEM block: decoded bytes 0, undecoded {len(text.encode())}")
    if block.kind not in _KEY_KINDS:
        raise PemError(f"unsupported PEM preamble/type: {block.kind}")
    try:
        # Without the block's headers, which mark encryption: Go ignores them, too.
        key = serialization.load_pem_private_key(block.encode(), password=None)
    except (ValueError, TypeError):
        raise PemError(
            f"failed to parse private key given PEM preamble '{block.kind}': asn1: structure error: tags don't match"
        ) from None
    if not isinstance(key, PrivateKey):
        raise PemError(f"failed to determine key algorithm: must be one of {', '.join(Algorithm)}")
    return key


def algorithm(key: PrivateKey) -> Algorithm:
    """Return the algorithm of a key."""
    match key:
        case rsa.RSAPrivateKey():
            return Algorithm.RSA
        case ec.EllipticCurvePrivateKey():
            return Algorithm.ECDSA
        case _:
            return Algorithm.ED25519


def certificate(text: str) -> x509.Certificate:
    """Parse the first block, which must be a certificate. The rest is ignored. Raises PemError."""
    try:
        return x509.load_der_x509_certificate(_content(text, "CERTIFICATE"))
    except ValueError as error:
        raise PemError(f"failed to parse certificate: {error}") from None


def certificate_request(text: str) -> x509.CertificateSigningRequest:
    """Parse the first block, which must be a certificate request. Raises PemError."""
    try:
        return x509.load_der_x509_csr(_content(text, "CERTIFICATE REQUEST"))
    except ValueError as error:
        raise PemError(f"failed to parse certificate request: {error}") from None


def public_key(request: x509.CertificateSigningRequest) -> PublicKey:
    """Return the public key of a request. Raises PemError."""
    key = request.public_key()
    if not isinstance(key, PublicKey):
        raise PemError(f"failed to parse certificate request: its key must be one of {', '.join(Algorithm)}")
    return key


def _content(text: str, kind: str) -> bytes:
    block = _first_block(text)
    if block is None:
        raise PemError(f'failed to decode PEM of expected type "{kind}" from bytes')
    if block.kind != kind:
        raise PemError(f'invalid PEM type - expected "{kind}", got "{block.kind}"')
    return block.content


def _first_block(text: str) -> _Block | None:
    for found in _BLOCK.finditer(text):
        try:
            return _Block(found[1], base64.b64decode("".join(found[2].split()), validate=True))
        except binascii.Error:
            continue
    return None
