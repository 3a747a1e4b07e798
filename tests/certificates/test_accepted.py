"""Certificates of every kind of authority: what openssl says of them, and whom real API servers take their owner for."""

import pytest

from tests.certificates.cluster import Cluster
from tests.certificates.stack import Stack, run

pytestmark = pytest.mark.xdist_group("cluster")

VERIFY = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem"


def accepted(stack: Stack, cluster: Cluster) -> None:
    """The client certificate is kube-proxy's and nobody else's."""
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


@pytest.mark.parametrize("algorithm", ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256", "ed25519"])
def test_of_a_given_authority(stack: Stack, cluster: Cluster, algorithm: str) -> None:
    stack.authority(algorithm=algorithm)
    cluster.trust((stack.directory / "ca.pem").read_text())
    stack.up()
    accepted(stack, cluster)
    assert "client.pem: OK" in run(stack.directory, VERIFY)


def test_of_an_intermediate_whose_root_alone_is_known(stack: Stack, cluster: Cluster) -> None:
    stack.authority("root")
    stack.authority("ca", signed_by="root")
    root, issuer = ((stack.directory / f"{name}.pem").read_text() for name in ("root", "ca"))
    cluster.trust(root)
    (stack.directory / "ca.pem").write_text(issuer + root)
    stack.up()
    accepted(stack, cluster)
    assert "OK" in run(
        stack.directory,
        "openssl verify -x509_strict -purpose sslclient -CAfile root.pem -untrusted client.pem client.pem",
    )


def test_of_an_authority_of_the_stacks_own(stack: Stack, cluster: Cluster) -> None:
    stack.values["certificateAuthority"] = {"generate": True, "trustBundleFile": str(cluster.authority)}
    stack.up()
    (stack.directory / "ca.pem").write_text(stack.outputs()["caCertificate"])
    cluster.trust((stack.directory / "ca.pem").read_text())
    accepted(stack, cluster)
    assert "client.pem: OK" in run(stack.directory, VERIFY)
