"""What is asked of the cluster's signer, and what its answers come to."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest
from pydantic import SecretStr

from components import cluster_signed
from settings import KeyAlgorithm, KubernetesSigner, Settings
from tests.components.recorder import Deploy, Recorder
from tests.components.test_certificate_authority import trusted

REQUEST = "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest"
CLOCK = "tls:index/selfSignedCert:SelfSignedCert"
SIGNER = KubernetesSigner(
    "kubernetes.io/kube-apiserver-client", SecretStr("KUBECONFIG"), 600, "", "CA", datetime(2036, 1, 1, tzinfo=UTC)
)


def requests(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return recorder.of_type(REQUEST)


def test_a_request_says_what_kube_proxy_is_and_how_long(deploy: Deploy) -> None:
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


def test_keys_of_elliptic_curves_encipher_nothing(deploy: Deploy, settings: Settings) -> None:
    certificate = settings.client_certificate.model_copy(update={"key_algorithm": KeyAlgorithm.ED25519})
    request = requests(deploy(certificate_authority=SIGNER, client_certificate=certificate))["client-certificate"]
    assert request["spec"]["usages"] == ["client auth", "digital signature"]


def test_the_renewals_clock_is_that_of_a_certificate_which_serves_nobody(deploy: Deploy) -> None:
    recorder = deploy(certificate_authority=SIGNER)
    clock = recorder.of_type(CLOCK)["client-certificate-clock"]
    assert (clock["validityPeriodHours"], clock["earlyRenewalHours"]) == (8760, 720)
    assert clock["subject"] == {"commonName": "system:kube-proxy clock"}
    assert "isCaCertificate" not in clock


def test_each_nodes_request_has_a_name_that_tells_it(deploy: Deploy, settings: Settings) -> None:
    recorder = deploy(
        certificate_authority=SIGNER,
        client_certificate=settings.client_certificate.model_copy(update={"per_node": True}),
    )
    names = {request["metadata"]["name"][:33] for request in requests(recorder).values()}
    assert names == {f"kube-proxy-k8s-node{number:02}-certificate"[:33] for number in range(1, 7)}


def test_another_question_has_another_name_and_a_long_one_is_cut() -> None:
    name = cluster_signed.request_name("client-certificate", ["1", "request", "signer"])
    assert name == cluster_signed.request_name("client-certificate", ["1", "request", "signer"])
    assert name != cluster_signed.request_name("client-certificate", ["2", "request", "signer"])
    long = cluster_signed.request_name(f"{'a' * 219}.{'b' * 30}", ["1"])
    assert len(long) <= 253
    assert ".-" not in long


class TestAnswers:
    def test_an_issued_certificate(self) -> None:
        assert cluster_signed.answer("a", {"certificate": "UEVN", "conditions": []}, "name") == "PEM"

    @pytest.mark.parametrize(
        ("kind", "reason", "message", "said"),
        [
            ("Denied", "KubectlDeny", "by kubectl", "is denied (KubectlDeny: by kubectl)"),
            (
                "Failed",
                "SignerValidationFailure",
                "invalid usage",
                "is failed (SignerValidationFailure: invalid usage)",
            ),
            ("Denied", None, None, "is denied ()"),
        ],
    )
    def test_a_refusal(self, kind: str, reason: str | None, message: str | None, said: str) -> None:
        condition = {"type": kind, "reason": reason, "message": message}
        with pytest.raises(pulumi.RunError) as raised:
            cluster_signed.answer("a", {"conditions": [{"type": "Approved"}, condition]}, "name")
        assert str(raised.value) == (
            f"name: the certificate request must be approved, and {said}; ask again by: pulumi up --replace '**a-clock'"
        )

    @pytest.mark.parametrize("status", [None, {}, {"conditions": [{"type": "Approved"}]}])
    def test_none_is_an_error_but_for_a_preview(
        self, status: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
        shown: object = cluster_signed.answer("a", status, "name")
        assert shown is pulumi.UNKNOWN

        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
        with pytest.raises(pulumi.RunError, match="must be answered, and isn't; ask again by"):
            cluster_signed.answer("a", status, "name")
