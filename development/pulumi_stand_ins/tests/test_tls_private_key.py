"""Key pairs of the tls plugin, verified by OpenSSL and ssh-keygen."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from development.pulumi_stand_ins.tests.plugin_process import Plugin
from development.pulumi_stand_ins.tests.tls_resources import KEY, openssl
from development.pulumi_stand_ins.tests.wire import secret


class TestPrivateKey:
    @pytest.mark.parametrize(
        ("inputs", "begins", "openssh"),
        [
            ({"algorithm": "RSA", "rsaBits": 3072}, "RSA PRIVATE KEY", "ssh-rsa"),
            ({"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "EC PRIVATE KEY", "ecdsa-sha2-nistp384"),
            ({"algorithm": "ECDSA", "ecdsaCurve": "P521"}, "EC PRIVATE KEY", "ecdsa-sha2-nistp521"),
            ({"algorithm": "ED25519"}, "PRIVATE KEY", "ssh-ed25519"),
        ],
    )
    def test_all_formats_hold_the_same_key(
        self, tls: Plugin, tmp_path: Path, inputs: dict[str, Any], begins: str, openssh: str
    ) -> None:
        created = tls.create(KEY, inputs)
        state = created.state
        pem, pkcs8 = state["privateKeyPem"]["value"], state["privateKeyPemPkcs8"]["value"]
        assert pem.startswith(f"-----BEGIN {begins}-----\n")
        assert pkcs8.startswith("-----BEGIN PRIVATE KEY-----\n")
        assert openssl("pkey", "-pubout", text=pem) == openssl("pkey", "-pubout", text=pkcs8) == state["publicKeyPem"]
        (tmp_path / "key").write_text(state["privateKeyOpenssh"]["value"])
        (tmp_path / "key").chmod(0o600)
        public = subprocess.run(
            ["ssh-keygen", "-y", "-f", tmp_path / "key"], capture_output=True, text=True, check=True
        )
        assert public.stdout.split()[:2] == state["publicKeyOpenssh"].split()
        assert state["publicKeyOpenssh"].startswith(f"{openssh} ")
        (tmp_path / "key.pub").write_text(state["publicKeyOpenssh"])
        for digest, output in (("sha256", "publicKeyFingerprintSha256"), ("md5", "publicKeyFingerprintMd5")):
            shown = subprocess.run(
                ["ssh-keygen", "-l", "-E", digest, "-f", tmp_path / "key.pub"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert shown.stdout.split()[1].removeprefix("MD5:") == state[output]
        assert len(created.id) == 40

    def test_default_rsa_key_has_2048_bits(self, tls: Plugin) -> None:
        state = tls.create(KEY, {"algorithm": "RSA"}).state
        assert (state["rsaBits"], state["ecdsaCurve"]) == (2048, "P224")
        assert "(2048 bit" in openssl("pkey", "-noout", "-text", text=state["privateKeyPem"]["value"])

    def test_default_curve_has_no_ssh_format(self, tls: Plugin) -> None:
        state = tls.create(KEY, {"algorithm": "ECDSA"}).state
        assert state["publicKeyOpenssh"] == ""
        assert state["privateKeyOpenssh"] == secret("")
