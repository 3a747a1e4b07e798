"""The certificate authority (CA): its certificate, its key, its trust bundle."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from settings import CAWithKey, GeneratedCA, Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Authority = Callable[[Values], CAWithKey]
Refused = Callable[[Values], list[str]]

PASSPHRASE = BestAvailableEncryption(b"hunter2")


class TestCertificateAuthority:
    """It must be able to issue a certificate now. The tls plugin checks none of this."""

    @pytest.mark.parametrize(
        ("certificate", "message"),
        [
            (
                {"authority": False},
                "must be a certificate authority's certificate (basicConstraints CA:TRUE), not a server's or client's",
            ),
            ({"may_sign": False}, "must be allowed to sign certificates (keyUsage keyCertSign)"),
        ],
    )
    def test_ca_certificate_must_be_allowed_to_issue(
        self,
        values: Values,
        refused: Refused,
        project: Path,
        make_certificate: Callable[..., bytes],
        certificate: dict[str, bool],
        message: str,
    ) -> None:
        (project / "ca.pem").write_bytes(make_certificate(**certificate))

        assert refused(values) == [f'certificateAuthority.certificateFile: Invalid value: "ca.pem": {message}']

    @pytest.mark.parametrize(
        ("begins", "ends", "message"),
        [(-9, -1, "must still be valid, but expired"), (1, 9, "must already be valid, but starts")],
    )
    def test_ca_certificate_must_be_valid_now(
        self,
        values: Values,
        refused: Refused,
        project: Path,
        make_certificate: Callable[..., bytes],
        begins: int,
        ends: int,
        message: str,
    ) -> None:
        (project / "ca.pem").write_bytes(make_certificate(begins, ends))
        (line,) = refused(values)

        assert line.startswith(f'certificateAuthority.certificateFile: Invalid value: "ca.pem": {message} 2')

    def test_ca_expiry_is_known(
        self, values: Values, authority: Authority, project: Path, make_certificate: Callable[..., bytes]
    ) -> None:
        (project / "ca.pem").write_bytes(make_certificate(ends_days=100))
        left = authority(values).not_after - datetime.now(UTC)

        assert timedelta(days=99) < left <= timedelta(days=100)

    def test_ca_certificate_must_be_pem(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"]["certificateFile"] = "ca-key.pem"

        assert refused(values) == [
            'certificateAuthority.certificateFile: Invalid value: "ca-key.pem": '
            "must be a certificate in PEM (-----BEGIN CERTIFICATE-----)"
        ]

    def test_text_around_the_ca_certificate_is_dropped(
        self, values: Values, authority: Authority, project: Path
    ) -> None:
        certificate = (project / "ca.pem").read_text()
        (project / "ca.pem").write_text(f"subject=CN = kubernetes\n{certificate}\n# a comment\n")
        found = authority(values)

        assert found.certificate_pem == found.trust_bundle_pem == certificate


class TestTrustBundle:
    """What the nodes verify the API servers by, if it isn't the issuing CA, for example during a rotation."""

    @pytest.fixture
    def bundle(self, values: Values, project: Path) -> Path:
        values["certificateAuthority"]["trustBundleFile"] = "trust.pem"
        return project / "trust.pem"

    def test_trust_bundle_replaces_the_ca_and_may_have_expired_certificates(
        self, values: Values, authority: Authority, project: Path, bundle: Path, make_certificate: Callable[..., bytes]
    ) -> None:
        text = make_certificate().decode() + make_certificate(-9, -1).decode()
        bundle.write_text(f"old and new\n{text}")
        found = authority(values)

        assert found.trust_bundle_pem == text
        assert found.certificate_pem == (project / "ca.pem").read_text()

    def test_trust_bundle_must_be_certificates(
        self, values: Values, refused: Refused, project: Path, bundle: Path
    ) -> None:
        bundle.write_bytes((project / "ca-key.pem").read_bytes())

        assert refused(values) == [
            'certificateAuthority.trustBundleFile: Invalid value: "trust.pem": '
            "must be certificates in PEM (-----BEGIN CERTIFICATE-----)"
        ]

    def test_trust_bundle_must_have_a_valid_certificate(
        self, values: Values, refused: Refused, bundle: Path, make_certificate: Callable[..., bytes]
    ) -> None:
        bundle.write_bytes(make_certificate(-9, -2) + make_certificate(-9, -1))
        ended = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
        (line,) = refused(values)

        assert line.startswith(
            'certificateAuthority.trustBundleFile: Invalid value: "trust.pem": '
            f"must have a certificate that is still valid, but the last one expired {ended}"
        )


class TestGeneratedCA:
    """`generate: true`: the stack generates the CA, so no other may be given."""

    @pytest.mark.parametrize(
        ("bundle", "trusted"), [({}, False), ({"trustBundleFile": "ca.pem"}, True)], ids=["no bundle", "bundle"]
    )
    def test_trust_bundle_is_optional_with_a_generated_ca(
        self, values: Values, loaded: Load, project: Path, bundle: dict[str, str], trusted: bool
    ) -> None:
        values["certificateAuthority"] = {"generate": "true", **bundle}
        pem = (project / "ca.pem").read_text() if trusted else None

        assert loaded(values).certificate_authority == GeneratedCA(pem)

    def test_generated_ca_excludes_a_given_one(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"]["generate"] = True
        values["caPrivateKey"] = "a key"
        message = "Forbidden: must not be set together with certificateAuthority.generate: keep one of the two"

        assert refused(values) == [
            f"certificateAuthority.certificateFile: {message}",
            f"certificateAuthority.privateKeyFile: {message}",
            f"caPrivateKey: {message}",
        ]

    def test_it_may_be_another_stacks(self, values: Values, loaded: Load) -> None:
        values["certificateAuthority"] = {"generatedBy": "organization/kube-proxy/pool-a"}

        assert loaded(values).certificate_authority == GeneratedCA(None, "organization/kube-proxy/pool-a")

    @pytest.mark.parametrize("name", ["", "a/b/c/d", "pool a", "a//b", "a\n", 3 * "a/"])
    def test_another_stack_must_have_a_stacks_name(self, values: Values, refused: Refused, name: str) -> None:
        values["certificateAuthority"]["generatedBy"] = name

        (line,) = refused(values)
        assert line.startswith("certificateAuthority.generatedBy: Invalid value: ")

    def test_another_stacks_ca_excludes_an_own_one(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"] = {"generatedBy": "pool-a", "generate": True}
        message = "Forbidden: must not be set together with certificateAuthority.generatedBy: keep one of the two"

        assert refused(values) == [f"certificateAuthority.generate: {message}"]

    def test_client_certificate_must_expire_before_the_generated_ca(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"] = {"generate": True}
        values["clientCertificate"] = {"validityHours": 87600}

        assert refused(values) == [
            "clientCertificate.validityHours: Invalid value: 87600: must be less than 87600, the lifetime of the "
            "generated certificate authority"
        ]


class TestCAKey:
    @pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
    def test_ca_key_must_be_unencrypted(
        self,
        values: Values,
        refused: Refused,
        project: Path,
        authority_key: ec.EllipticCurvePrivateKey,
        form: PrivateFormat,
    ) -> None:
        (project / "ca-key.pem").write_bytes(authority_key.private_bytes(Encoding.PEM, form, PASSPHRASE))

        assert refused(values) == [
            'certificateAuthority.privateKeyFile: Invalid value: "ca-key.pem": must be unencrypted; '
            "to remove its passphrase: openssl pkey -in FILE -out DECRYPTED"
        ]

    def test_ca_key_must_match_the_certificate(self, values: Values, refused: Refused, project: Path) -> None:
        other = ec.generate_private_key(ec.SECP256R1())
        key = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (project / "ca-key.pem").write_bytes(key)

        assert refused(values) == [
            'certificateAuthority.privateKeyFile: Invalid value: "ca-key.pem": '
            "must be the private key of certificateAuthority.certificateFile"
        ]

    def test_ca_key_must_be_pem(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"]["privateKeyFile"] = "id_ed25519"

        assert refused(values) == [
            'certificateAuthority.privateKeyFile: Invalid value: "id_ed25519": '
            "must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)"
        ]

    def test_ca_key_must_not_be_both_file_and_secret(self, values: Values, refused: Refused, project: Path) -> None:
        values["caPrivateKey"] = (project / "ca-key.pem").read_text()

        assert refused(values) == [
            "caPrivateKey: Forbidden: must not be set together with certificateAuthority.privateKeyFile: keep one of the two"
        ]

    def test_ca_key_is_the_same_from_a_file_and_from_a_secret(
        self, values: Values, authority: Authority, project: Path
    ) -> None:
        from_file = authority(values).private_key_pem
        del values["certificateAuthority"]["privateKeyFile"]
        values["caPrivateKey"] = (project / "ca-key.pem").read_text().rstrip()

        assert authority(values).private_key_pem == from_file
