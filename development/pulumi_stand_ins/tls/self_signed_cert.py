"""tls:index/selfSignedCert:SelfSignedCert: a certificate signed with its own key, such as an authority's."""

from __future__ import annotations

from cryptography import x509

from development.pulumi_stand_ins.plugin.property_values import Properties, reveal
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation
from development.pulumi_stand_ins.tls import issuing, pem, subject, validation
from development.pulumi_stand_ins.tls.renewal import COMMON_DEFAULTS, COMMON_INPUTS, RenewedCertificate


class SelfSignedCert(RenewedCertificate):
    """Issuer and subject in one."""

    inputs = ("privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris", "setAuthorityKeyId", *COMMON_INPUTS)
    required = ("privateKeyPem", "allowedUses", "validityPeriodHours")
    defaults = COMMON_DEFAULTS | {"setAuthorityKeyId": False}
    computed = ("certPem", "validityStartTime", "validityEndTime", "readyForRenewal", "keyAlgorithm")
    secret_outputs = ("privateKeyPem",)

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """The subject must have known fields."""
        inputs, failures = super().check(name, inputs)
        return inputs, failures + validation.known_keys("subject", inputs.get("subject"), subject.FIELDS)

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Issue the certificate; the id is its serial number."""
        given = reveal(values)
        with pem.reading("private key"):
            key = pem.private_key(given["privateKeyPem"])
        name = subject.name(given.get("subject"))
        identified = given.get("isCaCertificate") or given.get("setSubjectKeyId")
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest if identified else None
        certified = issuing.Certified(name, key.public_key(), subject.alternative_names(given))
        serial, outputs = issuing.issue(given, certified, issuing.Issuer(name, key, key_id))
        return serial, outputs | {"keyAlgorithm": pem.algorithm(key)}
