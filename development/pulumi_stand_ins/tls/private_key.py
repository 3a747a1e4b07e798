"""tls:index/privateKey:PrivateKey: a key pair."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from development.pulumi_stand_ins.plugin.property_values import Properties
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation
from development.pulumi_stand_ins.tls import pem, validation
from development.pulumi_stand_ins.tls.pem import Algorithm
from development.pulumi_stand_ins.tls.planned_resource import PlannedResource

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}


class PrivateKey(PlannedResource):
    """Generated once, and never rotated."""

    inputs = ("algorithm", "ecdsaCurve", "rsaBits")
    required = ("algorithm",)
    defaults = {"ecdsaCurve": "P224", "rsaBits": 2048}  # noqa: RUF012 - a constant, read by the base class
    secret_outputs = ("privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh")
    computed = (
        *secret_outputs,
        "publicKeyPem",
        "publicKeyOpenssh",
        "publicKeyFingerprintMd5",
        "publicKeyFingerprintSha256",
    )

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Check algorithm and curve."""
        inputs, failures = super().check(name, inputs)
        failures += validation.one_of(name, "algorithm", inputs.get("algorithm"), list(Algorithm))
        failures += validation.one_of(name, "ecdsaCurve", inputs.get("ecdsaCurve"), list(_CURVES))
        return inputs, failures

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Generate the key pair. The id is the SHA-1 of the public key."""
        key = await asyncio.to_thread(_generate, values)
        public = key.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha1(der.strip(), usedforsecurity=False).hexdigest(), {
            "privateKeyPem": _private(key, _traditional(key)),
            "privateKeyPemPkcs8": _private(key, PrivateFormat.PKCS8),
            "publicKeyPem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        } | _openssh(key)


def _generate(values: Properties) -> pem.PrivateKey:
    match values["algorithm"], values["ecdsaCurve"], values["rsaBits"]:
        case Algorithm.RSA, _, float() | int() as bits:
            return rsa.generate_private_key(public_exponent=65537, key_size=int(bits))
        case Algorithm.ECDSA, str(curve), _:
            return ec.generate_private_key(_CURVES[curve]())
    return ed25519.Ed25519PrivateKey.generate()


def _traditional(key: pem.PrivateKey) -> PrivateFormat:
    """Return PKCS#1 or SEC 1, or PKCS#8 for Ed25519, which has only that."""
    return PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL


def _private(key: pem.PrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def _openssh(key: pem.PrivateKey) -> Properties:
    """Return the key in the formats of SSH. They are empty for P-224, which SSH doesn't have."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP224R1):
        names = ("privateKeyOpenssh", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256")
        return dict.fromkeys(names, "")
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    blob = base64.b64decode(public.split()[1])
    return {
        "privateKeyOpenssh": _private(key, PrivateFormat.OpenSSH),
        "publicKeyOpenssh": f"{public}\n",
        "publicKeyFingerprintMd5": hashlib.md5(blob, usedforsecurity=False).digest().hex(":"),
        "publicKeyFingerprintSha256": f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}",
    }
