"""Subjects of certificates: the fields of the input, in the order of Go's x509 package."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from development.pulumi_stand_ins.plugin.resource import OperationError

# The order of pkix.Name.ToRDNSequence, with the names of the SDK's CertRequestSubjectArgs.
_FIELDS = {
    "country": NameOID.COUNTRY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "streetAddresses": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "commonName": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
FIELDS = tuple(_FIELDS)


def name(subject: Mapping[str, Any] | None) -> x509.Name:
    """Return the name of a `subject` input. As in Go, all street addresses are in one set."""
    values = {oid: _values((subject or {}).get(field)) for field, oid in _FIELDS.items()}
    return _name(values)


def reordered(requested: x509.Name) -> x509.Name:
    """Return a request's name as Go writes it into the certificate: in Go's order, with only the fields it knows."""
    known = [oid for field, oid in _FIELDS.items() if field != "emailAddress"]
    return _name({oid: [str(found.value) for found in requested.get_attributes_for_oid(oid)] for oid in known})


def alternative_names(values: Mapping[str, Any]) -> x509.SubjectAlternativeName | None:
    """Return the names in the inputs dnsNames, ipAddresses and uris. Raises OperationError."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in values.get("dnsNames") or []]
    for address in values.get("ipAddresses") or []:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            raise OperationError(f'Invalid IP address: Failed to parse "{address}"') from None
    names += [x509.UniformResourceIdentifier(uri) for uri in values.get("uris") or []]
    return x509.SubjectAlternativeName(names) if names else None


def _values(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _name(values: Mapping[ObjectIdentifier, Iterable[str]]) -> x509.Name:
    sets = [[x509.NameAttribute(oid, text) for text in texts] for oid, texts in values.items()]
    return x509.Name([x509.RelativeDistinguishedName(attributes) for attributes in sets if attributes])
