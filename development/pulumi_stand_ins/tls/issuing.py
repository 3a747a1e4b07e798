"""Issue certificates as Go's x509.CreateCertificate does for terraform-provider-tls."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from development.pulumi_stand_ins.plugin.property_values import Properties
from development.pulumi_stand_ins.plugin.resource import OperationError
from development.pulumi_stand_ins.tls import pem
from development.pulumi_stand_ins.tls.usages import extended_key_usage, key_usage


@dataclass(frozen=True)
class Holder:
    """The subject of a certificate, its public key and its other names."""

    name: x509.Name
    public_key: pem.PublicKey
    alternative_names: x509.SubjectAlternativeName | None


@dataclass(frozen=True)
class Issuer:
    """The signer. `key_id` is the subject key identifier of its certificate, or None."""

    name: x509.Name
    key: pem.PrivateKey
    key_id: bytes | None


def issue(values: Mapping[str, Any], holder: Holder, issuer: Issuer) -> tuple[str, Properties]:
    """Issue a certificate. Return its serial number in decimal, and its outputs. Raises OperationError."""
    is_ca = bool(values.get("isCaCertificate"))
    if is_ca and not list(holder.name):
        raise OperationError(
            "Invalid Certificate Subject: "
            "Must contain at least one Distinguished Name when creating Certificate Authority (CA)"
        )
    # Valid from now on: the official plugin doesn't backdate certificates.
    start = datetime.now(UTC)
    end = start + timedelta(hours=values["validityPeriodHours"])
    serial = secrets.randbits(128)
    builder = (
        x509.CertificateBuilder()
        .subject_name(holder.name)
        .issuer_name(issuer.name)
        .public_key(holder.public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in _extensions(values, holder, issuer, is_ca):
        if extension is not None:
            builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer.key, digest(issuer.key))
    return str(serial), {
        "certPem": certificate.public_bytes(Encoding.PEM).decode(),
        "validityStartTime": _rfc3339(start),
        "validityEndTime": _rfc3339(end),
    }


def digest(key: pem.PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Return the hash that Go signs with."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return None
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 384:
            return hashes.SHA512()
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 256:
            return hashes.SHA384()
    return hashes.SHA256()


def _extensions(
    values: Mapping[str, Any], holder: Holder, issuer: Issuer, is_ca: bool
) -> list[tuple[x509.ExtensionType | None, bool]]:
    """Return the extensions in Go's order, and whether each is critical."""
    uses: list[str] = values["allowedUses"]
    length = values.get("maxPathLength")
    # For Go a length of 0 is unset.
    path_length = int(length) if length and length > 0 else None
    if path_length is not None and not is_ca:
        raise OperationError("Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen")
    subject_key = is_ca or values.get("setSubjectKeyId")
    return [
        (key_usage(uses), True),
        (extended_key_usage(uses), False),
        (x509.BasicConstraints(is_ca, path_length), True),
        (x509.SubjectKeyIdentifier.from_public_key(holder.public_key) if subject_key else None, False),
        (_authority_key(values, holder, issuer), False),
        (holder.alternative_names, not list(holder.name)),
    ]


def _authority_key(values: Mapping[str, Any], holder: Holder, issuer: Issuer) -> x509.AuthorityKeyIdentifier | None:
    """Return the issuer's key identifier if it has one. A self-signed certificate gets it only on request."""
    self_signed = holder.name == issuer.name
    if values.get("setAuthorityKeyId") and issuer.key_id is None:
        raise OperationError("Invalid Certificate Authority: Could not determine Authority Key Identifier")
    if issuer.key_id is None or (self_signed and not values.get("setAuthorityKeyId")):
        return None
    return x509.AuthorityKeyIdentifier(issuer.key_id, None, None)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
