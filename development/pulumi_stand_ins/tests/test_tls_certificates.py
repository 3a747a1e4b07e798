"""Certificates of the tls plugin, verified by OpenSSL and by cryptography's parser."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from development.pulumi_stand_ins.tests.plugin_process import Plugin
from development.pulumi_stand_ins.tests.tls_resources import ANOTHER_PEM, KEY, LEAF, REQUEST, SELF, SUBJECT, openssl


class TestClientCertificate:
    def test_client_certificate_is_valid_for_clients_only(
        self, tls: Plugin, leaf: dict[str, Any], tmp_path: Path
    ) -> None:
        (tmp_path / "leaf.pem").write_text(tls.create(LEAF, leaf).state["certPem"])
        (tmp_path / "ca.pem").write_text(leaf["caCertPem"])
        verify: list[str | Path] = ["verify", "-x509_strict", "-CAfile", tmp_path / "ca.pem"]
        assert "OK" in openssl(*verify, "-purpose", "sslclient", tmp_path / "leaf.pem")
        with pytest.raises(subprocess.CalledProcessError):
            openssl(*verify, "-purpose", "sslserver", tmp_path / "leaf.pem")

    def test_subject_and_extensions_are_like_the_official_plugins(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        shown = openssl("x509", "-noout", "-subject", "-text", text=tls.create(LEAF, leaf).state["certPem"])
        assert shown.startswith(
            "subject=C = CN, ST = Jiangsu, L = Suzhou, O = k8s, OU = wangxyd, CN = system:kube-proxy\n"
        )
        extensions = [line.strip() for line in shown.partition("X509v3 extensions:\n")[2].splitlines()]
        authority_key = x509.SubjectKeyIdentifier.from_public_key(
            x509.load_pem_x509_certificate(leaf["caCertPem"].encode()).public_key()
        )
        assert extensions[:8] == [
            "X509v3 Key Usage: critical",
            "Digital Signature, Key Encipherment",
            "X509v3 Extended Key Usage:",
            "TLS Web Client Authentication",
            "X509v3 Basic Constraints: critical",
            "CA:FALSE",
            "X509v3 Authority Key Identifier:",
            authority_key.digest.hex(":").upper(),
        ]
        assert "Subject Key Identifier" not in shown

    def test_certificate_is_valid_from_now_for_the_given_hours(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        created = tls.create(LEAF, leaf)
        certificate = x509.load_pem_x509_certificate(created.state["certPem"].encode())
        assert before <= certificate.not_valid_before_utc <= datetime.now(UTC)
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=24)
        assert created.id == str(certificate.serial_number)
        start, end = (datetime.fromisoformat(created.state[f"validity{name}Time"]) for name in ("Start", "End"))
        assert start.replace(microsecond=0) == certificate.not_valid_before_utc
        assert end - start == timedelta(hours=24)
        assert certificate.signature_hash_algorithm is not None
        assert certificate.signature_hash_algorithm.name == hashes.SHA256.name

    def test_ca_key_is_a_secret_in_the_state(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        plain = leaf | {"caPrivateKeyPem": leaf["caPrivateKeyPem"]["value"]}
        state = tls.create(LEAF, plain).state
        assert state["caPrivateKeyPem"] == leaf["caPrivateKeyPem"]
        assert state["caKeyAlgorithm"] == "RSA"

    def test_subject_key_identifier_and_alternative_names_are_set_on_request(
        self, tls: Plugin, leaf: dict[str, Any]
    ) -> None:
        key = tls.create(KEY, {"algorithm": "ED25519"}).state["privateKeyPem"]
        names = {"dnsNames": ["node.example"], "ipAddresses": ["192.0.2.1"], "uris": ["spiffe://node"]}
        request = tls.create(REQUEST, {"privateKeyPem": key, "subject": SUBJECT, **names}).state["certRequestPem"]
        state = tls.create(LEAF, leaf | {"certRequestPem": request, "setSubjectKeyId": True}).state
        shown = openssl("x509", "-noout", "-text", text=state["certPem"])
        assert "X509v3 Subject Key Identifier" in shown
        assert "DNS:node.example, IP Address:192.0.2.1, URI:spiffe://node" in shown

    @pytest.mark.parametrize("kind", [{"algorithm": "ECDSA", "ecdsaCurve": "P256"}, {"algorithm": "ED25519"}])
    def test_ca_can_have_an_ecdsa_or_ed25519_key(
        self, tls: Plugin, leaf: dict[str, Any], kind: dict[str, Any], tmp_path: Path
    ) -> None:
        key = tls.create(KEY, kind).state["privateKeyPem"]
        ca = {"privateKeyPem": key, "subject": {"commonName": "ca"}, "isCaCertificate": True, "validityPeriodHours": 1}
        certificate = tls.create(SELF, ca | {"allowedUses": ["cert_signing"]}).state["certPem"]
        signed = tls.create(LEAF, leaf | {"caCertPem": "text before\n" + certificate, "caPrivateKeyPem": key}).state
        (tmp_path / "ca.pem").write_text(certificate)
        (tmp_path / "leaf.pem").write_text(signed["certPem"])
        assert "OK" in openssl("verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "leaf.pem")

    def test_only_the_first_certificate_of_a_ca_bundle_is_read(self, tls: Plugin, leaf: dict[str, Any]) -> None:
        bundle = leaf["caCertPem"] + ANOTHER_PEM.format("CERTIFICATE")
        assert "certPem" in tls.create(LEAF, leaf | {"caCertPem": bundle}).state


class TestAuthority:
    def test_ca_certificate_has_a_subject_key_identifier_and_no_authority_key_identifier(
        self, authority: dict[str, Any]
    ) -> None:
        shown = openssl("x509", "-noout", "-text", text=authority["caCertPem"])
        assert "Certificate Sign, CRL Sign" in shown
        assert "CA:TRUE" in shown
        assert "X509v3 Subject Key Identifier" in shown
        assert "X509v3 Authority Key Identifier" not in shown
