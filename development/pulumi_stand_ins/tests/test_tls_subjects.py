"""Whatever stands in a subject: the plugin's request and its certificate say it, and the program's own request the same."""

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
    made: str = tls.create(KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P256"}).state["privateKeyPem"]["value"]
    return made


def plugins_subject(subject: Subject) -> Mapping[str, str]:
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
def test_both_requests_say_the_same(tls: Plugin, key: str, subject: Subject) -> None:
    inputs = {"privateKeyPem": key, "subject": plugins_subject(subject)}

    assert shown(tls.create(REQUEST, inputs).state["certRequestPem"]) == shown(
        certificate_request.render(subject=subject, private_key_pem=key)
    )


@settings(max_examples=40, deadline=None)
@given(SUBJECTS)
def test_a_certificate_says_what_was_requested_and_its_subject_is_told_as_openssl_does(
    tls: Plugin, authority: dict[str, Any], key: str, subject: Subject
) -> None:
    request = certificate_request.render(subject=subject, private_key_pem=key)
    uses = {"allowedUses": ["client_auth"], "validityPeriodHours": 24}
    issued = tls.create(LEAF, authority | uses | {"certRequestPem": request}).state["certPem"]
    told = openssl("x509 -noout -subject -nameopt RFC2253,-esc_msb,utf8", issued).removeprefix("subject=")[:-1]

    assert openssl("x509 -noout -subject", issued) == openssl("req -noout -subject", request)
    # Of several in a set, which comes first is left open.
    assert as_rfc_4514(issued) == told or len(subject.organizations) > 1
