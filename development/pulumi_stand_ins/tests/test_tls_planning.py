"""Checks, replacements and renewal in the tls plugin, as observed in the official one."""

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.tests.plugin_process import Plugin
from development.pulumi_stand_ins.tests.wire import UNKNOWN, properties, secret

KEY, REQUEST = "tls:index/privateKey:PrivateKey", "tls:index/certRequest:CertRequest"
LEAF, SELF = "tls:index/locallySignedCert:LocallySignedCert", "tls:index/selfSignedCert:SelfSignedCert"
_PEM = "-----BEGIN X-----\n{}\n-----END X-----\n"
_INPUTS: dict[str, Any] = {
    "certRequestPem": _PEM.format("request"),
    "caCertPem": _PEM.format("certificate"),
    "caPrivateKeyPem": secret(_PEM.format("key")),
    "allowedUses": ["digital_signature", "client_auth"],
    "validityPeriodHours": 100,
    "earlyRenewalHours": 20,
}


def state(hours_left: float = 100) -> dict[str, Any]:
    """Return the state of a certificate that ends in `hours_left` hours."""
    end = datetime.now(UTC) + timedelta(hours=hours_left)
    return _INPUTS | {
        "isCaCertificate": False,
        "setSubjectKeyId": False,
        "caKeyAlgorithm": "RSA",
        "certPem": "issued",
        "readyForRenewal": False,
        "validityStartTime": (end - timedelta(hours=100)).isoformat(),
        "validityEndTime": end.isoformat(),
    }


def diff(tls: Plugin, old: dict[str, Any], new: dict[str, Any], token: str = LEAF) -> tuple[bool, list[str], list[str]]:
    """Return whether anything changes, the reported changes, and the properties that replace the resource."""
    answer = tls.diff(token, old, new)
    changed = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    return changed, list(answer.diffs), list(answer.replaces)


def test_plugin_has_the_version_of_the_sdk(tls: Plugin) -> None:
    assert tls.stub.GetPluginInfo(Empty()).version == version("pulumi_tls")


class TestCheck:
    @pytest.mark.parametrize(
        ("inputs", "reason"),
        [
            (
                {"allowedUses": ["foo_bar"]},
                'Invalid Attribute Value Match. Attribute allowed_uses[0] value must be one of: ["any_extended" '
                '"cert_signing" "client_auth" "code_signing" "content_commitment" "crl_signing" "data_encipherment" '
                '"decipher_only" "digital_signature" "email_protection" "encipher_only" "ipsec_end_system" '
                '"ipsec_tunnel" "ipsec_user" "key_agreement" "key_encipherment" "microsoft_commercial_code_signing" '
                '"microsoft_kernel_code_signing" "microsoft_server_gated_crypto" "netscape_server_gated_crypto" '
                '"ocsp_signing" "server_auth" "timestamping"], got: "foo_bar". Examine values at \'crt.allowedUses[0]\'.',
            ),
            (
                {"validityPeriodHours": -1},
                "Invalid Attribute Value. Attribute validity_period_hours value must be at least 0, got: -1. "
                "Examine values at 'crt.validityPeriodHours'.",
            ),
        ],
    )
    def test_refused_values_have_the_official_texts(self, tls: Plugin, inputs: dict[str, Any], reason: str) -> None:
        assert tls.check_failures(LEAF, _INPUTS | inputs, name="crt") == [("", reason)]

    @pytest.mark.parametrize(
        ("token", "inputs", "refused"),
        [
            (KEY, {"algorithm": "DSA"}, ""),
            (KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P512"}, ""),
            (KEY, {}, "algorithm"),
            (LEAF, _INPUTS | {"caPrivateKeyPemWo": "key"}, "caPrivateKeyPemWo"),
            (REQUEST, {"privateKeyPem": UNKNOWN, "subject": {"title": "x"}}, "subject.title"),
        ],
    )
    def test_unknown_values_and_inputs_are_refused(
        self, tls: Plugin, token: str, inputs: dict[str, Any], refused: str
    ) -> None:
        assert [name for name, _ in tls.check_failures(token, inputs)] == [refused]

    def test_values_unknown_in_a_preview_pass(self, tls: Plugin) -> None:
        assert tls.check_failures(LEAF, dict.fromkeys(_INPUTS, UNKNOWN)) == []


class TestPreview:
    def test_outputs_except_defaults_and_renewal_are_unknown_in_a_preview(self, tls: Plugin) -> None:
        planned = tls.create(LEAF, _INPUTS | {"certRequestPem": UNKNOWN}, preview=True).state
        assert planned["certPem"] == planned["validityEndTime"] == planned["certRequestPem"] == UNKNOWN
        assert (planned["readyForRenewal"], planned["isCaCertificate"]) == (False, False)
        assert tls.create(KEY, {"algorithm": "RSA"}, preview=True).state["privateKeyPem"] == secret(UNKNOWN)


class TestReplacing:
    def test_same_inputs_are_no_change(self, tls: Plugin) -> None:
        answer = json_format.MessageToDict(tls.diff(LEAF, state(), _INPUTS))
        assert answer == {"changes": "DIFF_NONE", "hasDetailedDiff": True}

    @pytest.mark.parametrize(
        "changed",
        [
            {"certRequestPem": _PEM.format("other")},
            {"caCertPem": _INPUTS["caCertPem"] + "\n"},
            {"caCertPem": UNKNOWN},
            {"allowedUses": ["client_auth", "digital_signature"]},
            {"validityPeriodHours": 101},
            {"setSubjectKeyId": True},
            {"isCaCertificate": True},
        ],
    )
    def test_other_inputs_replace_the_certificate(self, tls: Plugin, changed: dict[str, Any]) -> None:
        assert diff(tls, state(), _INPUTS | changed) == (True, list(changed), list(changed))

    def test_changed_ca_key_replaces_the_certificate_without_being_reported(self, tls: Plugin) -> None:
        changed = _INPUTS | {"caPrivateKeyPem": secret(_PEM.format("other"))}
        assert diff(tls, state(), changed) == (True, [], ["caPrivateKeyPem"])

    def test_changed_early_renewal_keeps_the_certificate(self, tls: Plugin) -> None:
        changed = _INPUTS | {"earlyRenewalHours": 30}
        assert diff(tls, state(), changed) == (True, ["earlyRenewalHours"], [])
        updated = tls.update(LEAF, state(), changed)
        assert (updated["certPem"], updated["earlyRenewalHours"]) == ("issued", 30)

    def test_changed_pem_with_text_before_it_in_the_state_is_an_update_in_place(self, tls: Plugin) -> None:
        old = state() | {"caCertPem": "text\n" + _INPUTS["caCertPem"]}
        assert diff(tls, old, _INPUTS) == (True, ["caCertPem"], [])

    def test_removed_input_has_its_default(self, tls: Plugin) -> None:
        old = {"algorithm": "RSA", "rsaBits": 4096, "ecdsaCurve": "P224"}
        assert diff(tls, old, {"algorithm": "RSA"}, KEY) == (True, ["rsaBits"], ["rsaBits"])
        assert diff(tls, old | {"rsaBits": 2048}, {"algorithm": "RSA"}, KEY) == (False, [], [])

    def test_changed_subject_replaces_the_request(self, tls: Plugin) -> None:
        old = {"privateKeyPem": secret(_PEM), "subject": {"commonName": "a", "country": "CN"}}
        new = old | {"subject": {"commonName": "b", "country": "CN"}}
        assert diff(tls, old, new, REQUEST) == (True, ["subject"], ["subject"])


class TestRenewal:
    @settings(max_examples=1000, deadline=None)
    @given(st.floats(20.01, 100))
    def test_previews_before_the_renewal_hours_change_nothing(self, tls: Plugin, hours_left: float) -> None:
        assert diff(tls, state(hours_left), _INPUTS) == (False, [], [])

    @settings(deadline=None)
    @given(st.floats(-10_000, 19.99))
    def test_certificate_within_its_renewal_hours_is_replaced_without_any_change(
        self, tls: Plugin, hours_left: float
    ) -> None:
        assert diff(tls, state(hours_left), _INPUTS) == (True, [], ["readyForRenewal"])

    def test_self_signed_certificate_is_renewed_too(self, tls: Plugin) -> None:
        inputs = {"privateKeyPem": secret(_PEM), "validityPeriodHours": 100, "earlyRenewalHours": 20}
        created = inputs | dict.fromkeys(("isCaCertificate", "setSubjectKeyId", "setAuthorityKeyId"), False)
        old = created | {"validityEndTime": state(19.9)["validityEndTime"]}
        assert diff(tls, old, inputs, SELF) == (True, [], ["readyForRenewal"])

    def test_expired_certificate_is_replaced_without_early_renewal(self, tls: Plugin) -> None:
        never_early = {"earlyRenewalHours": 0}
        assert diff(tls, state(-1) | never_early, _INPUTS | never_early) == (True, [], ["readyForRenewal"])

    def test_longer_early_renewal_can_replace_at_once(self, tls: Plugin) -> None:
        changed = _INPUTS | {"earlyRenewalHours": 60}
        assert diff(tls, state(50), changed) == (True, ["earlyRenewalHours"], ["readyForRenewal"])

    def test_refresh_only_marks_a_due_certificate(self, tls: Plugin) -> None:
        due = properties(tls.read(LEAF, state(10), _INPUTS).properties)
        assert due == state(10) | {"readyForRenewal": True} | {
            key: due[key] for key in ("validityStartTime", "validityEndTime")
        }
        assert properties(tls.read(LEAF, state(30), _INPUTS).properties)["readyForRenewal"] is False

    def test_certificate_with_early_renewal_longer_than_its_validity_is_due_at_once(self, tls: Plugin) -> None:
        endless = _INPUTS | {"validityPeriodHours": 1, "earlyRenewalHours": 2}
        assert tls.create(LEAF, endless, preview=True).state["readyForRenewal"] is True
