"""A node with a history: a kube-proxy whose unit hides ours is taken over with the stack's consent, and comes back."""

import pytest

from tests.containers import history
from tests.lab import generations, probe
from tests.lab.cluster import Cluster

pytestmark = pytest.mark.xdist_group("containers")


def test_unit_that_hides_ours_is_taken_over_without_a_failed_request_and_given_back(deployed: Cluster) -> None:
    """The stack has no resources afterwards: test_upgraded.py begins so."""
    node, text = deployed.nodes[0], deployed.configuration_file.read_text()
    assert deployed.pulumi("destroy", "--yes", "--skip-preview").status == 0
    history.set_up(deployed, node)
    starts = generations.starts(node)
    deployed.list_nodes(lambda nodes: nodes[:1])
    deployed.configure(lambda values: values["rollout"].update(takeOver=True))
    with probe.probed([node]) as answers:
        result = deployed.up()
    assert result.status == 0, result.output
    assert f"takes over kube-proxy.service from {history.UNIT}, which is kept" in result.output
    assert not answers[node.name].failed, str(answers[node.name])
    assert generations.starts(node) - starts == 1

    result = deployed.pulumi("destroy", "--yes", "--skip-preview")
    deployed.configuration_file.write_text(text)
    assert result.status == 0, result.output
    assert history.is_as_it_was(node)
    history.remove(node)
