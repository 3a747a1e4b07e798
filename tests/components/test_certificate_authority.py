"""A CA of the stack's own: made once, kept, and what issues and is trusted where no other bundle is."""

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


def test_it_issues_and_is_trusted(deploy: Deploy) -> None:
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
    assert CLIENT_KEY in str(leaf["caPrivateKeyPem"]).replace("\\n", "\n"), "every key of the mocks is this one"
    assert trusted(recorder) == b"OWN-CA-CERTIFICATE"


def test_nodes_trust_the_clusters_where_that_is_given(deploy: Deploy) -> None:
    assert trusted(deploy(certificate_authority=GeneratedCA("CLUSTER-CA"))) == b"CLUSTER-CA"
