"""A generated CA: it issues the certificates, and nodes trust it unless the stack has a trust bundle."""

import base64
from typing import Any

import yaml

from settings import GeneratedCA
from tests.components.recorder import CLIENT_KEY, Deploy, Recorder

SELF_SIGNED, LEAF = "tls:index/selfSignedCert:SelfSignedCert", "tls:index/locallySignedCert:LocallySignedCert"


def trusted(recorder: Recorder) -> bytes:
    return base64.b64decode(kubeconfig(recorder)["clusters"][0]["cluster"]["certificate-authority-data"])


def kubeconfig(recorder: Recorder) -> dict[str, Any]:
    """The kubeconfig that is delivered to the first node."""
    files = recorder.deliveries["k8s-node01-stage"].files
    return dict(yaml.safe_load(files["kube-proxy.kubeconfig"]))


def test_generated_ca_issues_and_is_trusted(deploy: Deploy) -> None:
    recorder = deploy(certificate_authority=GeneratedCA(None))
    assert recorder.of_type(SELF_SIGNED) == {
        "certificate-authority": {
            "privateKeyPem": recorder.of_type(SELF_SIGNED)["certificate-authority"]["privateKeyPem"],
            "subject": {"commonName": "kube-proxy-ca"},
            "isCaCertificate": True,
            "setSubjectKeyId": True,
            "allowedUses": ["cert_signing", "crl_signing"],
            "validityPeriodHours": 87600,
        }
    }
    leaf = recorder.of_type(LEAF)["client-certificate"]
    assert leaf["caCertPem"] == "OWN-CA-CERTIFICATE"
    assert CLIENT_KEY in str(leaf["caPrivateKeyPem"]).replace("\\n", "\n"), "the mocks have one key only"
    assert trusted(recorder) == b"OWN-CA-CERTIFICATE"


def test_nodes_trust_the_bundle_if_there_is_one(deploy: Deploy) -> None:
    assert trusted(deploy(certificate_authority=GeneratedCA("CLUSTER-CA"))) == b"CLUSTER-CA"
