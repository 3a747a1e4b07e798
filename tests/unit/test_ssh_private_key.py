"""The SSH private key for the login to the nodes."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from settings import Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]


def new_key() -> str:
    """Return a new key in OpenSSH's own form."""
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


class TestSSHPrivateKey:
    @pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
    def test_ssh_key_may_be_pem(self, values: Values, loaded: Load, project: Path, form: PrivateFormat) -> None:
        key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, form, NoEncryption())
        (project / "id_ed25519").write_bytes(key)

        assert loaded(values).nodes[0].ssh.private_key == SecretStr(key.decode())

    @pytest.mark.parametrize("arguments", [("-t", "ed25519"), ("-t", "rsa", "-m", "PEM")])
    def test_ssh_key_must_be_unencrypted(
        self, values: Values, refused: Refused, project: Path, arguments: tuple[str, ...]
    ) -> None:
        command = ["ssh-keygen", "-q", "-N", "hunter2", "-f", str(project / "encrypted"), *arguments]
        subprocess.run(command, check=True, timeout=30)
        values["ssh"]["privateKeyFile"] = "encrypted"

        assert refused(values) == [
            'ssh.privateKeyFile: Invalid value: "encrypted": must be unencrypted; '
            "to remove its passphrase: ssh-keygen -p -N '' -f FILE"
        ]

    def test_ssh_key_must_be_the_private_key(self, values: Values, refused: Refused, project: Path) -> None:
        public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (project / "id_ed25519.pub").write_bytes(public)
        values["nodes"][1]["ssh"] = {"privateKeyFile": "id_ed25519.pub"}

        assert refused(values) == [
            'nodes[1].ssh.privateKeyFile: Invalid value: "id_ed25519.pub": '
            "must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)"
        ]

    def test_ssh_key_must_not_be_both_file_and_secret(self, values: Values, refused: Refused, project: Path) -> None:
        values["sshPrivateKey"] = (project / "id_ed25519").read_text()

        assert refused(values) == [
            "sshPrivateKey: Forbidden: must not be set together with ssh.privateKeyFile: keep one of the two"
        ]

    @pytest.mark.parametrize("change", [{"d": 2}, {"e": 2}, {"dmp1": 2}, {"iqmp": 2}])
    def test_rsa_key_must_be_able_to_sign(
        self, values: Values, refused: Refused, project: Path, change: dict[str, int]
    ) -> None:
        numbers = rsa.generate_private_key(65537, 2048).private_numbers()
        public = rsa.RSAPublicNumbers(numbers.public_numbers.e + change.get("e", 0), numbers.public_numbers.n)
        spoiled = rsa.RSAPrivateNumbers(
            **{name: getattr(numbers, name) + change.get(name, 0) for name in ("p", "q", "d", "dmp1", "dmq1", "iqmp")},
            public_numbers=public,
        ).private_key(unsafe_skip_rsa_key_validation=True)
        pem = spoiled.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (project / "id_ed25519").write_bytes(pem)

        assert refused(values) == [
            'ssh.privateKeyFile: Invalid value: "id_ed25519": must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)'
        ]
