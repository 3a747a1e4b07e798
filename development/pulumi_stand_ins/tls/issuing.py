"""Issuing certificates as Go's x509.CreateCertificate does for terraform-provider-tls."""

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
class Certified:
    """Whom a certificate is for."""

    name: x509.Name
    public_key: pem.PublicKey
    alternative_names: x509.SubjectAlternativeName | None


@dataclass(frozen=True)
class Issuer:
    """Who signs it; `key_id` is the subject key identifier of the issuer's certificate, None for none."""

    name: x509.Name
    key: pem.PrivateKey
    key_id: bytes | None


def issue(values: Mapping[str, Any], certified: Certified, issuer: Issuer) -> tuple[str, Properties]:
    """The serial number in decimal, and the outputs of the certificate. Raises OperationError."""
    is_ca = bool(values.get("isCaCertificate"))
    if is_ca and not list(certified.name):
        raise OperationError(
            "Invalid Certificate Subject: "
            "Must contain at least one Distinguished Name when creating Certificate Authority (CA)"
        )
    # Valid from this very second: the official plugin does not backdate.
    start = datetime.now(UTC)
    end = start + timedelta(hours=values["validityPeriodHours"])
    serial = secrets.randbits(128)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certified.name)
        .issuer_name(issuer.name)
        .public_key(certified.public_key)
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in _extensions(values, certified, issuer, is_ca):
        if extension is not None:
            builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer.key, digest(issuer.key))
    return str(serial), {
        "certPem": certificate.public_bytes(Encoding.PEM).decode(),
        "validityStartTime": _rfc3339(start),
        "validityEndTime": _rfc3339(end),
    }


def digest(key: pem.PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """The hash that Go signs with."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return None
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 384:
            return hashes.SHA512()
        case ec.EllipticCurvePrivateKey() if key.curve.key_size > 256:
            return hashes.SHA384()
    return hashes.SHA256()


def _extensions(
    values: Mapping[str, Any], certified: Certified, issuer: Issuer, is_ca: bool
) -> list[tuple[x509.ExtensionType | None, bool]]:
    """The extensions in Go's order, with whether each is critical."""
    uses: list[str] = values["allowedUses"]
    length = values.get("maxPathLength")
    # Go reads a length of 0 as not set.
    path_length = int(length) if length and length > 0 else None
    if path_length is not None and not is_ca:
        raise OperationError("Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen")
    subject_key = is_ca or values.get("setSubjectKeyId")
    return [
        (key_usage(uses), True),
        (extended_key_usage(uses), False),
        (x509.BasicConstraints(is_ca, path_length), True),
        (x509.SubjectKeyIdentifier.from_public_key(certified.public_key) if subject_key else None, False),
        (_authority_key(values, certified, issuer), False),
        (certified.alternative_names, not list(certified.name)),
    ]


def _authority_key(
    values: Mapping[str, Any], certified: Certified, issuer: Issuer
) -> x509.AuthorityKeyIdentifier | None:
    """Always the issuer's identifier where it has one; of a self-signed certificate only where it is asked for."""
    own = certified.name == issuer.name
    if values.get("setAuthorityKeyId") and issuer.key_id is None:
        raise OperationError("Invalid Certificate Authority: Could not determine Authority Key Identifier")
    if issuer.key_id is None or (own and not values.get("setAuthorityKeyId")):
        return None
    return x509.AuthorityKeyIdentifier(issuer.key_id, None, None)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
