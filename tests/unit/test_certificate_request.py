"""The request for a client certificate, as openssl reads it: no part of a subject is lost."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import certificate_request
from settings import Subject

Load = Callable[[dict[str, Any]], Any]

# Names are one line. Commas, plus and equals signs, quotes, spaces and letters of any script have no special meaning.
NAMES = st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(' ,+="\\<>;#/'), min_size=1, max_size=64)
NAMES = NAMES.filter(lambda name: name.strip() != "" and len(name.encode()) < 200)
SUBJECTS = st.builds(
    Subject,
    country=st.none() | st.sampled_from(["CN", "FR"]),
    province=st.none() | NAMES,
    locality=st.none() | NAMES,
    organizations=st.lists(NAMES, unique=True, max_size=3).map(tuple),
    organizational_unit=st.none() | NAMES,
)
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key: CertificateIssuerPrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def openssl(command: str, text: str) -> str:
    done = subprocess.run(["openssl", *command.split()], input=text, capture_output=True, text=True, check=True)
    return done.stdout


def shown(request: str) -> list[tuple[str, str]]:
    """Return the subject's attributes in order. openssl prints each set of them on a line, without escapes."""
    _, *lines = openssl("req -noout -subject -nameopt multiline,utf8,-esc_msb,-esc_ctrl", request).splitlines()
    parts = [part for line in lines for part in re.split(r" \+ (?=[a-zA-Z]+ +=)", line)]
    return [(name.strip(), value) for name, _, value in (part.partition(" = ") for part in parts)]


@settings(max_examples=60)
@given(SUBJECTS)
def test_openssl_reads_the_same_subject(subject: Subject) -> None:
    parts = shown(certificate_request.render(subject=subject, private_key_pem=pem(KEY)))
    organizations = [value for name, value in parts if name == "organizationName"]

    assert sorted(organizations) == sorted(subject.organizations)
    assert [part for part in parts if part[0] != "organizationName"] == [
        (name, value)
        for name, value in (
            ("countryName", subject.country),
            ("stateOrProvinceName", subject.province),
            ("localityName", subject.locality),
            ("organizationalUnitName", subject.organizational_unit),
            ("commonName", "system:kube-proxy"),
        )
        if value is not None
    ]


@pytest.mark.parametrize(
    "key", [KEY, ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)], ids=["ec", "ed", "rsa"]
)
def test_request_is_signed_and_deterministic(key: CertificateIssuerPrivateKeyTypes) -> None:
    subject = Subject(organizations=("k8s", "proxies"))
    first, second = (certificate_request.render(subject=subject, private_key_pem=pem(key)) for _ in range(2))

    assert first == second
    openssl("req -noout -verify", first)


class TestOrganizations:
    @pytest.mark.parametrize(
        ("written", "read"), [("k8s", ("k8s",)), (["k8s", "proxies"], ("k8s", "proxies")), ([], ()), (None, ())]
    )
    def test_organizations_may_be_one_several_or_none(
        self, values: dict[str, Any], loaded: Load, written: object, read: tuple[str, ...]
    ) -> None:
        values["clientCertificate"] = {"subject": {"country": "CN", "organization": written}}

        assert loaded(values).client_certificate.subject.organizations == read
