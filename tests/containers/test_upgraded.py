"""What goes on after an upgrade, with nodes that the version before deployed (tests/lab/test_4_upgrade.py)."""

from collections.abc import Iterator

import pytest

from tests.lab import generations, rules
from tests.lab.cluster import UP, Cluster
from tests.lab.version_before import version_before

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture(scope="module")
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The upgraded fleet."""
    text = deployed.configuration_file.read_text()
    result = deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert result.status == 0, result.output
    with version_before(deployed.lab.project):
        result = deployed.up()
    assert result.status == 0, result.output
    result = deployed.up()
    assert result.status == 0, result.output
    yield deployed
    deployed.configuration_file.write_text(text)


def test_change_that_does_not_serve_is_rolled_back_on_the_canary_and_reaches_no_other_node(fleet: Cluster) -> None:
    canary, other = fleet.nodes
    process = fleet.processes()[other.name]
    proven = generations.last_proven(canary)
    text = fleet.configuration_file.read_text()
    # The lab's Node objects have no podCIDR, and kube-proxy waits for one.
    fleet.list_nodes(lambda nodes: [nodes[0] | {"configuration": {"detectLocalMode": "NodeCIDR"}}, nodes[1]])
    fleet.configure(lambda values: values.update(rollout={"healthTimeoutSeconds": 15}))
    fleet.configure(lambda values: values["configuration"].update(configSyncPeriod="14m0s"))
    result = fleet.up()
    fleet.configuration_file.write_text(text)
    assert result.status != 0
    assert "k8s-node01: activate: kube-proxy must serve within 15 s: " in result.output
    assert "k8s-node01: activate: the previous generation " in result.output
    assert proven in generations.assert_serves(canary)
    assert fleet.processes()[other.name] == process


def test_node_taken_out_of_the_configuration_is_cleaned_up_and_no_other_is_restarted(fleet: Cluster) -> None:
    stays, goes = fleet.nodes
    process = fleet.processes()[stays.name]
    fleet.list_nodes(lambda nodes: nodes[:1])
    result = fleet.up()
    assert result.status == 0, result.output
    assert fleet.processes()[stays.name] == process
    assert rules.of(goes) == rules.OF_MODE["none"]
    assert generations.files(goes) == []


def test_activation_that_was_interrupted_before_the_upgrade_is_finished_after_it(fleet: Cluster) -> None:
    node = fleet.nodes[1]
    fleet.pulumi("state", "delete", "--all", "--force", "--yes")
    fleet.list_nodes(lambda nodes: nodes[1:])
    with version_before(fleet.lab.project):
        running = fleet.start_pulumi(*UP)
        assert running.await_line(f"{node.name}: activate: restarting"), running.output
        node.run("pkill -KILL -f '[a]ctivate.sh'")
        assert running.await_end() != 0, running.output
    assert generations.is_activating(node)
    result = fleet.up()
    assert result.status == 0, result.output
    assert fleet.outputs()["nodes"][node.name]["generation"] in generations.assert_serves(node)
    assert not generations.is_activating(node)
