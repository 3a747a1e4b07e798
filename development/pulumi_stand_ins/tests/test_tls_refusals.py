"""Errors of the tls plugin when it creates a resource: the official texts, and never a part of a key."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from development.pulumi_stand_ins.tests.plugin_process import Plugin, failure
from development.pulumi_stand_ins.tests.tls_resources import ANOTHER_PEM, KEY, LEAF, SELF, openssl
from development.pulumi_stand_ins.tests.wire import secret


def create_fails(plugin: Plugin, token: str, inputs: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(token, inputs)
    return failure(raised.value)


class TestRefusals:
    @pytest.mark.parametrize(
        ("inputs", "text"),
        [
            (
                {"caCertPem": "garbage"},
                'Failed to parse CA certificate PEM: failed to decode PEM of expected type "CERTIFICATE" from bytes',
            ),
            (
                {"caCertPem": ANOTHER_PEM.format("CERTIFICATE REQUEST")},
                'Failed to parse CA certificate PEM: invalid PEM type - expected "CERTIFICATE", got "CERTIFICATE REQUEST"',
            ),
            (
                {"caPrivateKeyPem": secret("")},
                "Failed to parse CA private key PEM: failed to decode PEM block: decoded bytes 0, undecoded 0",
            ),
            (
                {"caPrivateKeyPem": secret(ANOTHER_PEM.format("ENCRYPTED PRIVATE KEY"))},
                "Failed to parse CA private key PEM: unsupported PEM preamble/type: ENCRYPTED PRIVATE KEY",
            ),
            (
                {"certRequestPem": "-"},
                "Failed to parse certificate request PEM: "
                'failed to decode PEM of expected type "CERTIFICATE REQUEST" from bytes',
            ),
        ],
    )
    def test_malformed_inputs_have_the_official_texts(
        self, tls: Plugin, leaf: dict[str, Any], inputs: dict[str, Any], text: str
    ) -> None:
        assert create_fails(tls, LEAF, leaf | inputs) == text

    def test_ca_certificate_must_have_a_subject(self, tls: Plugin, authority: dict[str, Any]) -> None:
        message = create_fails(
            tls,
            SELF,
            {
                "privateKeyPem": authority["caPrivateKeyPem"],
                "isCaCertificate": True,
                "allowedUses": ["cert_signing"],
                "validityPeriodHours": 1,
            },
        )
        assert message.startswith("Invalid Certificate Subject: Must contain at least one Distinguished Name")

    def test_ca_key_with_a_passphrase_is_refused(self, tls: Plugin, leaf: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "key").write_text(leaf["caPrivateKeyPem"]["value"])
        locked = openssl("rsa", "-in", tmp_path / "key", "-aes128", "-traditional", "-passout", "pass:word")
        message = create_fails(tls, LEAF, leaf | {"caPrivateKeyPem": secret(locked)})
        assert message.startswith(
            "Failed to parse CA private key PEM: failed to parse private key given PEM preamble 'RSA PRIVATE KEY': asn1:"
        )

    def test_ca_key_must_belong_to_the_ca_certificate(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        other = tls.create(KEY, {"algorithm": "RSA"}).state["privateKeyPem"]
        assert create_fails(tls, LEAF, leaf | {"caPrivateKeyPem": other}) == (
            "Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey"
        )

    def test_signer_without_the_ca_flag_is_only_a_warning(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        key = tls.create(KEY, {"algorithm": "RSA"}).state["privateKeyPem"]
        plain = {"privateKeyPem": key, "subject": {"commonName": "x"}, "allowedUses": [], "validityPeriodHours": 0}
        certificate = tls.create(SELF, plain).state["certPem"]
        tls.create(LEAF, leaf | {"caCertPem": certificate, "caPrivateKeyPem": key})
        assert tls.log.messages[-1].endswith("certificate validation.: Potentially Invalid Certificate Authority")


def test_error_contains_no_part_of_a_key(tls: Plugin, leaf: dict[str, Any]) -> None:
    key = leaf["caPrivateKeyPem"]["value"]
    broken = key.replace("RSA PRIVATE KEY", "EC PRIVATE KEY")
    message = create_fails(tls, LEAF, leaf | {"caPrivateKeyPem": secret(broken)})
    lines = [line for line in key.splitlines() if not line.startswith("-")]
    assert not any(line in message for line in lines)
    assert lines
