"""The certificate requests for a signer in the cluster, and what becomes of its answers."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest
from pydantic import SecretStr

from components import cluster_signer
from settings import KeyAlgorithm, KubernetesSigner, Settings
from tests.components.recorder import Deploy, Recorder
from tests.components.test_certificate_authority import trusted

REQUEST = "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest"
SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
SIGNER = KubernetesSigner(
    "kubernetes.io/kube-apiserver-client", SecretStr("KUBECONFIG"), 600, "", "CA", datetime(2036, 1, 1, tzinfo=UTC)
)


def requests(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return recorder.of_type(REQUEST)


def test_request_has_signer_usages_and_lifetime(deploy: Deploy) -> None:
    recorder = deploy(certificate_authority=SIGNER)
    request = requests(recorder)["client-certificate"]
    assert b64decode(request["spec"].pop("request")) == b"REQUEST"
    assert request["spec"] == {
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth", "digital signature", "key encipherment"],
        "expirationSeconds": 8760 * 3600,
    }
    assert request["metadata"]["annotations"]["pulumi.com/deletionPropagationPolicy"] == "background"
    assert trusted(recorder) == b"CA"
    assert not recorder.of_type("tls:index/locallySignedCert:LocallySignedCert")


def test_request_for_an_elliptic_curve_key_has_no_key_encipherment(deploy: Deploy, settings: Settings) -> None:
    certificate = settings.client_certificate.model_copy(update={"key_algorithm": KeyAlgorithm.ED25519})
    request = requests(deploy(certificate_authority=SIGNER, client_certificate=certificate))["client-certificate"]
    assert request["spec"]["usages"] == ["client auth", "digital signature"]


def test_an_unused_self_signed_certificate_has_the_lifetime_of_the_request(deploy: Deploy) -> None:
    recorder = deploy(certificate_authority=SIGNER)
    certificate = recorder.of_type(SELF_SIGNED)["client-certificate-clock"]
    assert (certificate["validityPeriodHours"], certificate["earlyRenewalHours"]) == (8760, 720)
    assert certificate["subject"] == {"commonName": "system:kube-proxy clock"}
    assert "isCaCertificate" not in certificate


def test_each_nodes_request_has_the_nodes_name_in_its_own(deploy: Deploy, settings: Settings) -> None:
    recorder = deploy(
        certificate_authority=SIGNER,
        client_certificate=settings.client_certificate.model_copy(update={"per_node": True}),
    )
    names = {request["metadata"]["name"][:33] for request in requests(recorder).values()}
    assert names == {f"kube-proxy-k8s-node{number:02}-certificate"[:33] for number in range(1, 7)}


def test_request_name_changes_with_its_parts_and_has_253_characters_at_most() -> None:
    name = cluster_signer.request_name("client-certificate", ["1", "request", "signer"])
    assert name == cluster_signer.request_name("client-certificate", ["1", "request", "signer"])
    assert name != cluster_signer.request_name("client-certificate", ["2", "request", "signer"])
    long = cluster_signer.request_name(f"{'a' * 219}.{'b' * 30}", ["1"])
    assert len(long) <= 253
    assert ".-" not in long


class TestSignedCertificate:
    def test_certificate_of_the_status_is_decoded(self) -> None:
        assert cluster_signer.signed_certificate("a", {"certificate": "UEVN", "conditions": []}, "name") == "PEM"

    @pytest.mark.parametrize(
        ("kind", "reason", "message", "happened"),
        [
            ("Denied", "KubectlDeny", "by kubectl", "was denied (KubectlDeny: by kubectl)"),
            (
                "Failed",
                "SignerValidationFailure",
                "invalid usage",
                "failed (SignerValidationFailure: invalid usage)",
            ),
            ("Denied", None, None, "was denied ()"),
        ],
    )
    def test_denied_or_failed_request_is_an_error(
        self, kind: str, reason: str | None, message: str | None, happened: str
    ) -> None:
        condition = {"type": kind, "reason": reason, "message": message}
        with pytest.raises(pulumi.RunError) as raised:
            cluster_signer.signed_certificate("a", {"conditions": [{"type": "Approved"}, condition]}, "name")
        assert str(raised.value) == (
            f"name: the certificate request must be approved and signed, but it {happened}; make a new request: "
            "pulumi up --replace '**a-clock'"
        )

    @pytest.mark.parametrize("status", [None, {}, {"conditions": [{"type": "Approved"}]}])
    def test_request_without_an_answer_is_unknown_in_a_preview_and_otherwise_an_error(
        self, status: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
        previewed: object = cluster_signer.signed_certificate("a", status, "name")
        assert previewed is pulumi.UNKNOWN

        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
        with pytest.raises(pulumi.RunError, match="must have a certificate, but it has none; make a new request"):
            cluster_signer.signed_certificate("a", status, "name")
