"""The tls plugin's inputs for kube-proxy's client certificate."""

import pytest
from cryptography import x509

from settings import KeyAlgorithm, Settings
from tests.components.recorder import Deploy

KEY, REQUEST = "tls:index/privateKey:PrivateKey", "tls:index/certRequest:CertRequest"
CERTIFICATE = "tls:index/locallySignedCert:LocallySignedCert"
RSA_USAGES = ["digital_signature", "key_encipherment", "client_auth"]


def test_default_certificate_is_for_client_auth_with_the_guides_subject(deploy: Deploy) -> None:
    recorder = deploy()
    assert recorder.of_type(KEY)["client-certificate-key"] == {
        "algorithm": "RSA",
        "rsaBits": 2048,
    }
    request = recorder.of_type(REQUEST)["client-certificate-request"]
    assert request["subject"] == {
        "commonName": "system:kube-proxy",
        "country": "CN",
        "province": "Jiangsu",
        "locality": "Suzhou",
        "organization": "k8s",
        "organizationalUnit": "wangxyd",
    }
    assert not {"dnsNames", "ipAddresses", "uris"} & set(request)
    certificate = recorder.of_type(CERTIFICATE)["client-certificate"]
    assert certificate["allowedUses"] == RSA_USAGES
    assert (certificate["validityPeriodHours"], certificate["earlyRenewalHours"]) == (8760, 720)


def test_request_is_the_tls_plugins_unless_there_are_several_organizations(deploy: Deploy, settings: Settings) -> None:
    def requested(*organizations: str) -> tuple[dict[str, object], str]:
        subject = settings.client_certificate.subject.model_copy(update={"organizations": organizations})
        recorder = deploy(client_certificate=settings.client_certificate.model_copy(update={"subject": subject}))
        request = recorder.of_type(REQUEST).get("client-certificate-request", {})
        return request, str(recorder.of_type(CERTIFICATE)["client-certificate"]["certRequestPem"])

    assert "organization" not in requested()[0]["subject"]  # type: ignore[operator]
    assert requested("k8s")[1] == "REQUEST"
    request, pem = requested("k8s", "proxies")
    assert request == {}
    assert x509.load_pem_x509_csr(pem.encode()).subject.rfc4514_string() == (
        "CN=system:kube-proxy,OU=wangxyd,O=k8s+O=proxies,L=Suzhou,ST=Jiangsu,C=CN"
    )


def test_per_node_gives_each_node_its_own_key_and_certificate(deploy: Deploy, settings: Settings) -> None:
    recorder = deploy(client_certificate=settings.client_certificate.model_copy(update={"per_node": True}))
    names = {f"k8s-node{number:02}-certificate" for number in range(1, 7)}
    assert set(recorder.of_type(CERTIFICATE)) == names
    assert set(recorder.of_type(KEY)) == {f"{name}-key" for name in names}
    users = [request["subject"]["commonName"] for request in recorder.of_type(REQUEST).values()]  # type: ignore[index]
    assert set(users) == {"system:kube-proxy"}


@pytest.mark.parametrize(
    ("algorithm", "inputs", "usages"),
    [
        (KeyAlgorithm.RSA_4096, {"algorithm": "RSA", "rsaBits": 4096}, RSA_USAGES),
        (KeyAlgorithm.ECDSA_P256, {"algorithm": "ECDSA", "ecdsaCurve": "P256"}, ["digital_signature", "client_auth"]),
        (KeyAlgorithm.ED25519, {"algorithm": "ED25519"}, ["digital_signature", "client_auth"]),
    ],
)
def test_key_algorithm_decides_the_key_and_its_usages(
    deploy: Deploy, settings: Settings, algorithm: KeyAlgorithm, inputs: dict[str, object], usages: list[str]
) -> None:
    recorder = deploy(client_certificate=settings.client_certificate.model_copy(update={"key_algorithm": algorithm}))
    assert recorder.of_type(KEY)["client-certificate-key"] == inputs
    assert recorder.of_type(CERTIFICATE)["client-certificate"]["allowedUses"] == usages
