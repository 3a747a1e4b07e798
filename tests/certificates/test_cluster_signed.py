"""No CA's key anywhere near: the cluster's own controller manager signs what somebody has approved."""

import pytest

from tests.certificates.cluster import Cluster
from tests.certificates.stack import Stack, run
from tests.certificates.test_accepted import VERIFY, accepted
from tests.certificates.test_renewal import in_hours

pytestmark = pytest.mark.xdist_group("cluster")

SIGNER = "kubernetes.io/kube-apiserver-client"
REQUEST = "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest client-certificate"
ASK_AGAIN = "**client-certificate-clock"


@pytest.fixture
def asking(stack: Stack, cluster: Cluster) -> Stack:
    """A stack that asks the cluster."""
    (stack.directory / "ca.pem").write_text(cluster.authority.read_text())
    stack.values["certificateAuthority"] = {
        "signer": SIGNER,
        "certificateFile": "ca.pem",
        "kubeconfigFile": str(cluster.asks),
    }
    return stack


def test_a_request_is_approved_cleaned_up_and_made_again_for_the_renewal(asking: Stack, cluster: Cluster) -> None:
    with cluster.answering("approve") as names:
        told = asking.up()
    assert f"waits to be approved, 600 s at most: kubectl certificate approve {names[0]}; " in told
    first = asking.outputs()
    accepted(asking, cluster)
    assert "client.pem: OK" in run(asking.directory, VERIFY)
    state = asking.project.state()
    assert "PRIVATE KEY" not in state
    assert cluster.asks.read_text().partition('"token": "')[2][:20] not in state

    # An hour later the cluster has cleaned the request up. This refresh is that of docs/certificates.md.
    cluster.kubectl("delete", "csr", names[0])
    asking.pulumi("refresh", "--yes", "--exclude", "**CertificateSigningRequest**")
    asking.move_end(in_hours(721))
    asking.pulumi("preview", "--expect-no-changes")
    assert "7 unchanged" in asking.up()

    asking.move_end(in_hours(719))
    told = asking.pulumi("preview")
    assert f"+- {REQUEST} replace" in told
    assert f"a certificate is issued, valid to {in_hours(8760):%Y-%m-%d}" in told
    assert cluster.requests().keys().isdisjoint(names), "a preview only tells"
    with cluster.answering("approve") as names:
        asking.up()
    second = asking.outputs()
    assert second["pem"] != first["pem"]
    assert second["key"] == first["key"]

    # What any other refresh comes to.
    cluster.kubectl("delete", "csr", names[0])
    asking.pulumi("refresh", "--yes")
    assert f"+  {REQUEST} create" in asking.pulumi("preview")


def test_a_request_that_nobody_answers_is_waited_for_again(asking: Stack, cluster: Cluster) -> None:
    asking.values["certificateAuthority"]["approvalTimeoutSeconds"] = 1
    told = asking.failing("up", "--yes", "--skip-preview")
    (name,) = (name for name, conditions in cluster.requests().items() if not conditions)
    assert f"waits to be approved, 1 s at most: kubectl certificate approve {name}; the next pulumi up goes on" in told
    assert "timed out waiting for the condition" in told

    told = asking.pulumi("preview")
    assert f"~  {REQUEST} update" in told
    assert f"kubectl certificate approve {name}; if it is gone, ask again by: pulumi up --replace '{ASK_AGAIN}'" in told
    with cluster.answering("approve") as names:
        pass
    assert names == [name]
    asking.values["certificateAuthority"]["approvalTimeoutSeconds"] = 60
    assert "1 updated" in asking.up()
    asking.pulumi("preview", "--expect-no-changes")


def test_a_request_that_nobody_has_answered_for_a_day_is_made_again_by_one_command(
    asking: Stack, cluster: Cluster
) -> None:
    asking.values["certificateAuthority"]["approvalTimeoutSeconds"] = 1
    asking.failing("up", "--yes", "--skip-preview")
    (name,) = (name for name, conditions in cluster.requests().items() if not conditions)
    cluster.kubectl("delete", "csr", name)
    assert f'"{name}" not found' in asking.failing("preview")

    asking.values["certificateAuthority"]["approvalTimeoutSeconds"] = 60
    with cluster.answering("approve"):
        asking.up("--replace", ASK_AGAIN)


def test_a_request_that_is_denied_ends_at_once_and_is_made_again_by_one_command(
    asking: Stack, cluster: Cluster
) -> None:
    with cluster.answering("deny") as names:
        told = asking.failing("up", "--yes", "--skip-preview")
    assert f"{names[0]}: the certificate request must be approved, and is denied (KubectlDeny: " in told
    assert f"ask again by: pulumi up --replace '{ASK_AGAIN}'" in told
    assert "Traceback" not in told

    with cluster.answering("approve"):
        asking.up("--replace", ASK_AGAIN)


def test_each_node_has_its_own_and_a_shorter_life_than_was_asked_for_is_told(asking: Stack, cluster: Cluster) -> None:
    asking.values["clientCertificate"] = {"perNode": True, "validityHours": 10000}
    with cluster.answering("approve", "approve") as names:
        told = asking.up()
    assert ["-".join(name.split("-")[2:4]) for name in sorted(names)] == ["k8s-node01", "k8s-node02"]
    assert "clientCertificate.validityHours: 10000: the signer has given 8760, to " in told
    certificates = asking.outputs()["pem"]
    assert certificates["k8s-node01"] != certificates["k8s-node02"]
