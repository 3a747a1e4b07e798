"""tls:index/certRequest:CertRequest: a certificate signing request."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from development.pulumi_stand_ins.plugin.property_values import Properties, reveal
from development.pulumi_stand_ins.plugin.resource import Operation
from development.pulumi_stand_ins.tls import issuing, pem, subject
from development.pulumi_stand_ins.tls.planned_resource import PlannedResource


class CertRequest(PlannedResource):
    """Signed with the private key of the future certificate."""

    inputs = ("privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris")
    required = ("privateKeyPem",)
    computed = ("certRequestPem", "keyAlgorithm")
    secret_outputs = ("privateKeyPem",)

    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:  # noqa: ARG002
        """Sign the request. The id is its SHA-1."""
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
