"""Certificates that the cluster signs: requested through the API, approved, signed by the controller manager."""

import pytest

from tests.certificates.cluster import Cluster
from tests.certificates.stack import Stack, run
from tests.certificates.test_accepted import VERIFY, assert_accepted_as_kube_proxy
from tests.certificates.test_renewal import in_hours

pytestmark = pytest.mark.xdist_group("cluster")

SIGNER = "kubernetes.io/kube-apiserver-client"
REQUEST = "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest client-certificate"
REQUEST_AGAIN = "**client-certificate-clock"


@pytest.fixture
def requesting(stack: Stack, cluster: Cluster) -> Stack:
    """A stack whose certificate the cluster signs."""
    (stack.directory / "ca.pem").write_text(cluster.authority.read_text())
    stack.values["certificateAuthority"] = {
        "signer": SIGNER,
        "certificateFile": "ca.pem",
        "kubeconfigFile": str(cluster.requester),
    }
    return stack


def test_request_is_approved_then_cleaned_up_by_the_cluster_and_made_again_for_the_renewal(
    requesting: Stack, cluster: Cluster
) -> None:
    with cluster.answering("approve") as names:
        output = requesting.up()
    assert f"waiting up to 600 s for its approval: kubectl certificate approve {names[0]}; " in output
    first = requesting.outputs()
    assert_accepted_as_kube_proxy(requesting, cluster)
    assert "client.pem: OK" in run(requesting.directory, VERIFY)
    state = requesting.project.state()
    assert "PRIVATE KEY" not in state
    assert cluster.requester.read_text().partition('"token": "')[2][:20] not in state

    # The cluster removes the request after an hour. The refresh is the one of docs/certificates.md.
    cluster.kubectl("delete", "csr", names[0])
    requesting.pulumi("refresh", "--yes", "--exclude", "**CertificateSigningRequest**")
    requesting.move_end(in_hours(721))
    assert "7 unchanged" in requesting.up()

    requesting.move_end(in_hours(719))
    output = requesting.pulumi("preview")
    assert f"+- {REQUEST} replace" in output
    assert f"issuing a certificate, valid until {in_hours(8760):%Y-%m-%d}" in output
    assert cluster.requests().keys().isdisjoint(names), "a preview makes no request"
    with cluster.answering("approve") as names:
        requesting.up()
    second = requesting.outputs()
    assert second["pem"] != first["pem"]
    assert second["key"] == first["key"]

    # Any other refresh forgets the request.
    cluster.kubectl("delete", "csr", names[0])
    requesting.pulumi("refresh", "--yes")
    assert f"+  {REQUEST} create" in requesting.pulumi("preview")


def test_unanswered_request_is_waited_for_again_by_the_next_up(requesting: Stack, cluster: Cluster) -> None:
    requesting.values["certificateAuthority"]["approvalTimeoutSeconds"] = 1
    output = requesting.failing_pulumi("up", "--yes", "--skip-preview")
    (name,) = (name for name, conditions in cluster.requests().items() if not conditions)
    assert (
        f"waiting up to 1 s for its approval: kubectl certificate approve {name}; after a timeout, the next" in output
    )
    assert "timed out waiting for the condition" in output

    output = requesting.pulumi("preview")
    assert f"~  {REQUEST} update" in output
    assert (
        f"kubectl certificate approve {name}; if it no longer exists, make a new request: pulumi up --replace '{REQUEST_AGAIN}'"
        in output
    )
    with cluster.answering("approve") as names:
        pass
    assert names == [name]
    requesting.values["certificateAuthority"]["approvalTimeoutSeconds"] = 60
    assert "1 updated" in requesting.up()


def test_request_that_expired_unanswered_is_made_again_by_one_command(requesting: Stack, cluster: Cluster) -> None:
    requesting.values["certificateAuthority"]["approvalTimeoutSeconds"] = 1
    requesting.failing_pulumi("up", "--yes", "--skip-preview")
    (name,) = (name for name, conditions in cluster.requests().items() if not conditions)
    cluster.kubectl("delete", "csr", name)
    assert f'"{name}" not found' in requesting.failing_pulumi("preview")

    requesting.values["certificateAuthority"]["approvalTimeoutSeconds"] = 60
    with cluster.answering("approve"):
        requesting.up("--replace", REQUEST_AGAIN)


def test_denied_request_fails_at_once_and_is_made_again_by_one_command(requesting: Stack, cluster: Cluster) -> None:
    with cluster.answering("deny") as names:
        output = requesting.failing_pulumi("up", "--yes", "--skip-preview")
    assert (
        f"{names[0]}: the certificate request must be approved and signed, but it was denied (KubectlDeny: " in output
    )
    assert f"make a new request: pulumi up --replace '{REQUEST_AGAIN}'" in output
    assert "Traceback" not in output

    with cluster.answering("approve"):
        requesting.up("--replace", REQUEST_AGAIN)


def test_per_node_certificates_are_requested_and_a_shorter_validity_is_reported(
    requesting: Stack, cluster: Cluster
) -> None:
    requesting.values["clientCertificate"] = {"perNode": True, "validityHours": 10000}
    with cluster.answering("approve", "approve") as names:
        output = requesting.up()
    assert ["-".join(name.split("-")[2:4]) for name in sorted(names)] == ["k8s-node01", "k8s-node02"]
    assert "clientCertificate.validityHours: 10000: the signer granted 8760, until " in output
    certificates = requesting.outputs()["pem"]
    assert certificates["k8s-node01"] != certificates["k8s-node02"]
