"""Certificate authorities from openssl and cfssl: kinds of keys, formats of their files, and intermediates."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from settings import CAWithKey, Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Authority = Callable[[Values], CAWithKey]
Refused = Callable[[Values], list[str]]

AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


def run(directory: Path, command: str, text: str = "") -> str:
    done = subprocess.run(command.split(), cwd=directory, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def issue(directory: Path, name: str, issuer: str = "", extensions: str = AUTHORITY, days: int = 100) -> None:
    """Make `name`.pem, signed by `name`.key or by an issuer's key."""
    if not (directory / f"{name}.key").exists():
        run(directory, f"openssl genpkey -algorithm ed25519 -out {name}.key")
    (directory / "extensions").write_text(extensions)
    request = run(directory, f"openssl req -new -key {name}.key -subj /O=k8s/CN={name}")
    by = f"-CA {issuer}.pem -CAkey {issuer}.key" if issuer else f"-signkey {name}.key"
    run(directory, f"openssl x509 -req -days {days} {by} -extfile extensions -out {name}.pem", request)


def bundle(directory: Path, *names: str) -> str:
    text = "".join((directory / f"{name}.pem").read_text() for name in names)
    (directory / "ca.pem").write_text(text)
    return text


class TestCAKeys:
    @pytest.mark.parametrize(
        "command",
        [
            "openssl genrsa -traditional 2048",
            "openssl genrsa 3072",
            "openssl ecparam -genkey -name prime256v1",
            "openssl ecparam -genkey -noout -name secp384r1",
            "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-521",
            "openssl genpkey -algorithm ed25519",
        ],
    )
    def test_ca_key_of_every_supported_kind_and_format_is_accepted(
        self, values: Values, authority: Authority, project: Path, command: str
    ) -> None:
        (project / "root.key").write_text(run(project, command))
        issue(project, "root")
        bundle(project, "root")
        values["certificateAuthority"]["privateKeyFile"] = "root.key"
        key = authority(values).private_key_pem.get_secret_value()

        assert load_pem_private_key(key.encode(), None)
        assert key.count("-----BEGIN") == 1, "the tls plugin reads one block: openssl's EC PARAMETERS must not be it"
        assert "PRIVATE KEY-----" in key.splitlines()[0]

    def test_ca_key_from_cfssl_is_kept_unchanged(self, values: Values, authority: Authority, project: Path) -> None:
        request = {"CN": "kubernetes", "key": {"algo": "rsa", "size": 2048}, "names": [{"O": "k8s"}]}
        made = json.loads(run(project, "cfssl gencert -initca -", json.dumps(request)))
        (project / "ca.pem").write_text(made["cert"])
        (project / "ca-key.pem").write_text(made["key"])
        found = authority(values)

        assert found.certificate_pem == found.trust_bundle_pem == made["cert"]
        assert found.private_key_pem.get_secret_value() == made["key"]
        assert found.chain_pem == ""

    @pytest.mark.parametrize("command", ["openssl genpkey -algorithm ed448", "openssl ecparam -genkey -name secp256k1"])
    def test_ca_key_that_kubernetes_cannot_verify_is_refused(
        self, values: Values, refused: Refused, project: Path, command: str
    ) -> None:
        (project / "root.key").write_text(run(project, command))
        issue(project, "root")
        bundle(project, "root")
        values["certificateAuthority"]["privateKeyFile"] = "root.key"

        assert refused(values) == [
            'certificateAuthority.privateKeyFile: Invalid value: "root.key": must be an RSA, ECDSA (P-256, P-384 or '
            "P-521) or Ed25519 key: Kubernetes can't verify others"
        ]

    def test_swapped_ca_key_and_certificate_are_both_reported(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"] = {"certificateFile": "ca-key.pem", "privateKeyFile": "ca.pem"}

        assert refused(values) == [
            'certificateAuthority.certificateFile: Invalid value: "ca-key.pem": '
            "must be a certificate in PEM (-----BEGIN CERTIFICATE-----)",
            'certificateAuthority.privateKeyFile: Invalid value: "ca.pem": '
            "must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)",
        ]

    def test_ca_key_in_the_certificate_file_is_left_out_of_the_trust_bundle(
        self, values: Values, authority: Authority, project: Path
    ) -> None:
        certificate, key = (project / "ca.pem").read_text(), (project / "ca-key.pem").read_text()
        (project / "ca.pem").write_text(key + certificate + key)

        assert authority(values).trust_bundle_pem == certificate


class TestIntermediateCAs:
    @pytest.fixture
    def chain(self, values: Values, project: Path) -> Path:
        """root issued middle, middle issued issuer, and issuer issues client certificates."""
        issue(project, "root")
        issue(project, "middle", "root", days=50)
        issue(project, "issuer", "middle")
        values["certificateAuthority"]["privateKeyFile"] = "issuer.key"
        return project

    @pytest.mark.parametrize("order", [("issuer", "middle", "root"), ("issuer", "root", "middle")])
    def test_intermediates_are_sent_by_clients_and_trusted_by_nodes(
        self, values: Values, authority: Authority, chain: Path, order: tuple[str, ...]
    ) -> None:
        text = bundle(chain, *order)
        found = authority(values)
        issue(chain, "client", "issuer", "extendedKeyUsage=clientAuth\n")
        (chain / "chain.pem").write_text(found.chain_pem)

        assert found.trust_bundle_pem == text
        assert "OK" in run(chain, "openssl verify -purpose sslclient -CAfile root.pem -untrusted chain.pem client.pem")
        assert found.chain_pem.count("BEGIN") == 2, "not the root"

    def test_ca_expires_with_the_first_certificate_on_the_path(
        self, values: Values, authority: Authority, chain: Path
    ) -> None:
        bundle(chain, "issuer", "middle", "root")
        ends = run(chain, "openssl x509 -noout -enddate -dateopt iso_8601 -in middle.pem").strip()

        assert f"notAfter={authority(values).not_after:%Y-%m-%d %H:%M:%SZ}" == ends

    def test_intermediate_without_its_root_is_accepted(self, values: Values, authority: Authority, chain: Path) -> None:
        bundle(chain, "issuer")

        assert authority(values).chain_pem == (chain / "issuer.pem").read_text()

    def test_intermediate_must_be_allowed_to_issue_for_clients(
        self, values: Values, refused: Refused, chain: Path
    ) -> None:
        issue(chain, "middle", "root", "basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth\n")
        bundle(chain, "issuer", "middle", "root")

        assert refused(values) == [
            'certificateAuthority.certificateFile: Invalid value: "ca.pem": certificate 2, CN=middle,O=k8s, must be '
            "allowed to issue for clients (extendedKeyUsage clientAuth, or no extendedKeyUsage)"
        ]

    def test_issuer_must_be_the_first_certificate(self, values: Values, refused: Refused, chain: Path) -> None:
        bundle(chain, "root", "middle", "issuer")

        assert refused(values) == [
            'certificateAuthority.privateKeyFile: Invalid value: "issuer.key": must be the private key of the first '
            "certificate in certificateAuthority.certificateFile, the issuer; it belongs to certificate 3: "
            "put certificate 3 first"
        ]

    def test_other_certificates_are_trusted_but_not_sent(
        self, values: Values, authority: Authority, project: Path
    ) -> None:
        issue(project, "another")
        mine = (project / "ca.pem").read_text()
        (project / "ca.pem").write_text(mine + (project / "another.pem").read_text())
        found = authority(values)

        assert found.trust_bundle_pem == (project / "ca.pem").read_text()
        assert (found.certificate_pem, found.chain_pem) == (mine, "")
