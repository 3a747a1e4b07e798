"""tls:index/selfSignedCert:SelfSignedCert: a certificate signed with its own key, such as a CA certificate."""

from __future__ import annotations

from cryptography import x509

from development.pulumi_stand_ins.plugin.property_values import Properties, reveal
from development.pulumi_stand_ins.plugin.resource import Operation
from development.pulumi_stand_ins.tls import issuing, pem, subject
from development.pulumi_stand_ins.tls.renewal import COMMON_DEFAULTS, COMMON_INPUTS, RenewedCertificate


class SelfSignedCert(RenewedCertificate):
    """Its subject is its issuer."""

    inputs = ("privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris", "setAuthorityKeyId", *COMMON_INPUTS)
    required = ("privateKeyPem", "allowedUses", "validityPeriodHours")
    defaults = COMMON_DEFAULTS | {"setAuthorityKeyId": False}
    computed = ("certPem", "validityStartTime", "validityEndTime", "readyForRenewal", "keyAlgorithm")
    secret_outputs = ("privateKeyPem",)

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Issue the certificate. The id is its serial number."""
        given = reveal(values)
        with pem.reading("private key"):
            key = pem.private_key(given["privateKeyPem"])
        name = subject.name(given.get("subject"))
        has_key_id = given.get("isCaCertificate") or given.get("setSubjectKeyId")
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest if has_key_id else None
        holder = issuing.Holder(name, key.public_key(), subject.alternative_names(given))
        serial, outputs = issuing.issue(given, holder, issuing.Issuer(name, key, key_id))
        return serial, outputs | {"keyAlgorithm": pem.algorithm(key)}
