"""Certificates of each kind of CA, checked by openssl and by real API servers."""

import pytest

from tests.certificates.cluster import Cluster
from tests.certificates.stack import Stack, run

pytestmark = pytest.mark.xdist_group("cluster")

VERIFY = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem"


def assert_accepted_as_kube_proxy(stack: Stack, cluster: Cluster) -> None:
    """The API servers accept the certificate as kube-proxy's, with the rights of system:node-proxier and no more."""
    outputs = stack.outputs()
    (stack.directory / "client.pem").write_text(outputs["pem"]["k8s-node01"])
    (stack.directory / "client.key").write_text(outputs["key"]["k8s-node01"])
    extensions = run(stack.directory, "openssl x509 -noout -in client.pem -ext extendedKeyUsage,subjectAltName")
    assert [line.strip() for line in extensions.splitlines()] == [
        "X509v3 Extended Key Usage:",
        "TLS Web Client Authentication",
    ]
    user = cluster.user(stack.directory)
    assert user["username"] == "system:kube-proxy"
    assert user["groups"] == ["k8s", "system:authenticated"]
    assert cluster.rights(stack.directory) == cluster.rights_of("system:node-proxier")


@pytest.mark.parametrize("algorithm", ["rsa:2048", "ed25519"])
def test_certificate_of_a_given_ca_is_accepted(stack: Stack, cluster: Cluster, algorithm: str) -> None:
    stack.authority(algorithm=algorithm)
    cluster.trust((stack.directory / "ca.pem").read_text())
    stack.up()
    assert_accepted_as_kube_proxy(stack, cluster)
    assert "client.pem: OK" in run(stack.directory, VERIFY)


def test_certificate_of_an_intermediate_ca_is_accepted_by_api_servers_that_trust_its_root(
    stack: Stack, cluster: Cluster
) -> None:
    stack.authority("root")
    stack.authority("ca", algorithm="ec -pkeyopt ec_paramgen_curve:P-256", signed_by="root")
    root, issuer = ((stack.directory / f"{name}.pem").read_text() for name in ("root", "ca"))
    cluster.trust(root)
    (stack.directory / "ca.pem").write_text(issuer + root)
    stack.up()
    assert_accepted_as_kube_proxy(stack, cluster)
    assert "OK" in run(
        stack.directory,
        "openssl verify -x509_strict -purpose sslclient -CAfile root.pem -untrusted client.pem client.pem",
    )


def test_certificate_of_a_generated_ca_is_accepted(stack: Stack, cluster: Cluster) -> None:
    stack.values["certificateAuthority"] = {"generate": True, "trustBundleFile": str(cluster.authority)}
    stack.up()
    (stack.directory / "ca.pem").write_text(stack.outputs()["caCertificate"])
    cluster.trust((stack.directory / "ca.pem").read_text())
    assert_accepted_as_kube_proxy(stack, cluster)
    assert "client.pem: OK" in run(stack.directory, VERIFY)
