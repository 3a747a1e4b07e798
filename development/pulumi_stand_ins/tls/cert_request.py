"""tls:index/certRequest:CertRequest: a request for a certificate."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from development.pulumi_stand_ins.plugin.property_values import Properties, reveal
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation
from development.pulumi_stand_ins.tls import issuing, pem, subject, validation
from development.pulumi_stand_ins.tls.planned_resource import PlannedResource


class CertRequest(PlannedResource):
    """Signed with the key that the certificate will belong to."""

    inputs = ("privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris")
    required = ("privateKeyPem",)
    computed = ("certRequestPem", "keyAlgorithm")
    secret_outputs = ("privateKeyPem",)

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """The subject must have known fields."""
        inputs, failures = super().check(name, inputs)
        return inputs, failures + validation.known_keys("subject", inputs.get("subject"), subject.FIELDS)

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Sign the request; the id is its SHA-1."""
        given = reveal(values)
        with pem.reading("private key"):
            key = pem.private_key(given["privateKeyPem"])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject.name(given.get("subject")))
        names = subject.alternative_names(given)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        request = builder.sign(key, issuing.digest(key))
        der = request.public_bytes(Encoding.DER)
        return hashlib.sha1(der.strip(), usedforsecurity=False).hexdigest(), {
            "certRequestPem": request.public_bytes(Encoding.PEM).decode(),
            "keyAlgorithm": pem.algorithm(key),
        }
