"""A generated CA: it issues the certificates, and nodes trust it unless the stack has a trust bundle."""

import base64

import yaml

from settings import GeneratedCA
from tests.components.recorder import CLIENT_KEY, Deploy, Recorder
from tests.components.test_rollout import node_commands, unpacked

SELF_SIGNED, LEAF = "tls:index/selfSignedCert:SelfSignedCert", "tls:index/locallySignedCert:LocallySignedCert"


def trusted(recorder: Recorder) -> bytes:
    stage = node_commands(recorder)["k8s-node01-stage"]
    kubeconfig = yaml.safe_load(unpacked(stage["stdin"])["files/kube-proxy.kubeconfig"])
    return base64.b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"])


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
