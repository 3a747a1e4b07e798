"""Subjects, with any characters: the plugin's request and certificate have the same subject as the program's request."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings

from components.client_certificate import _subject as as_rfc_4514
from development.pulumi_stand_ins.tests.plugin_process import Plugin
from development.pulumi_stand_ins.tests.tls_resources import KEY, LEAF, REQUEST
from documents import certificate_request
from settings import Subject
from tests.unit.test_certificate_request import SUBJECTS, openssl, shown


@pytest.fixture(scope="module")
def key(tls: Plugin) -> str:
    pem: str = tls.create(KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P256"}).state["privateKeyPem"]["value"]
    return pem


def subject_input(subject: Subject) -> Mapping[str, str]:
    parts = {
        "commonName": certificate_request.USER,
        "country": subject.country,
        "province": subject.province,
        "locality": subject.locality,
        "organization": next(iter(subject.organizations), None),
        "organizationalUnit": subject.organizational_unit,
    }
    return {name: value for name, value in parts.items() if value is not None}


@settings(max_examples=40, deadline=None)
@given(SUBJECTS.filter(lambda subject: len(subject.organizations) < 2))
def test_request_of_the_plugin_equals_the_programs_request(tls: Plugin, key: str, subject: Subject) -> None:
    inputs = {"privateKeyPem": key, "subject": subject_input(subject)}

    assert shown(tls.create(REQUEST, inputs).state["certRequestPem"]) == shown(
        certificate_request.render(subject=subject, private_key_pem=key)
    )


@settings(max_examples=40, deadline=None)
@given(SUBJECTS)
def test_certificate_has_the_requested_subject_and_the_program_prints_it_as_openssl_does(
    tls: Plugin, authority: dict[str, Any], key: str, subject: Subject
) -> None:
    request = certificate_request.render(subject=subject, private_key_pem=key)
    uses = {"allowedUses": ["client_auth"], "validityPeriodHours": 24}
    issued = tls.create(LEAF, authority | uses | {"certRequestPem": request}).state["certPem"]
    printed = openssl("x509 -noout -subject -nameopt RFC2253,-esc_msb,utf8", issued).removeprefix("subject=")[:-1]

    assert openssl("x509 -noout -subject", issued) == openssl("req -noout -subject", request)
    # The order of several organizations in one set is not defined.
    assert as_rfc_4514(issued) == printed or len(subject.organizations) > 1
