"""The request for a client certificate with several organizations. The tls plugin's own requests have one at most."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from settings import Subject

USER = "system:kube-proxy"
"""Kubernetes binds this user to the ClusterRole system:node-proxier."""


def render(*, subject: Subject, private_key_pem: str) -> str:
    """Return the request in PEM. The same subject and key give the same request, so no run issues a new certificate."""
    key = load_pem_private_key(private_key_pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError("a client's key must be RSA, ECDSA or Ed25519")
    request = x509.CertificateSigningRequestBuilder(_name(subject)).sign(
        key,
        None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256(),
        ecdsa_deterministic=True if isinstance(key, ec.EllipticCurvePrivateKey) else None,
    )
    return request.public_bytes(Encoding.PEM).decode()


def _name(subject: Subject) -> x509.Name:
    """Return the subject with the order and the sets of Go's pkix.Name, as the tls plugin writes it."""
    parts = [
        (NameOID.COUNTRY_NAME, [subject.country]),
        (NameOID.STATE_OR_PROVINCE_NAME, [subject.province]),
        (NameOID.LOCALITY_NAME, [subject.locality]),
        (NameOID.ORGANIZATION_NAME, subject.organizations),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, [subject.organizational_unit]),
        (NameOID.COMMON_NAME, [USER]),
    ]
    sets = [[x509.NameAttribute(oid, value) for value in values if value] for oid, values in parts]
    return x509.Name([x509.RelativeDistinguishedName(attributes) for attributes in sets if attributes])
