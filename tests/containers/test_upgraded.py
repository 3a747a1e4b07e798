"""An upgrade of nodes in mode nftables, and what goes on after it. tests/lab/test_4_upgrade.py has one in mode ipvs."""

from collections.abc import Iterator

import pytest

from tests.lab import generations, probe, rules
from tests.lab.cluster import UP, Cluster
from tests.lab.probe import Answers
from tests.lab.version_before import version_before

pytestmark = [pytest.mark.xdist_group("containers"), pytest.mark.usefixtures("upgrade")]


@pytest.fixture(scope="module")
def upgrade(deployed: Cluster) -> Iterator[tuple[dict[str, int], dict[str, Answers]]]:
    """Upgrades a fleet that the version before deployed; how often each kube-proxy was started, and the requests meanwhile."""
    text = deployed.configuration_file.read_text()
    result = deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert result.status == 0, result.output
    with version_before(deployed.lab.project):
        result = deployed.up()
    assert result.status == 0, result.output
    before = {node.name: generations.starts(node) for node in deployed.nodes}
    with probe.probed(deployed.nodes) as answers:
        result = deployed.up()
    assert result.status == 0, result.output
    yield {node.name: generations.starts(node) - before[node.name] for node in deployed.nodes}, answers
    deployed.configuration_file.write_text(text)


def test_upgrade_restarts_each_node_once_and_no_request_fails(
    upgrade: tuple[dict[str, int], dict[str, Answers]],
) -> None:
    starts, answers = upgrade
    for name, count in starts.items():
        assert count == 1
        assert answers[name].each
        assert not answers[name].failed, f"{name}: {answers[name]}"


def test_change_that_does_not_serve_is_rolled_back_on_the_canary_and_reaches_no_other_node(deployed: Cluster) -> None:
    canary, other = deployed.nodes
    process = deployed.processes()[other.name]
    proven = generations.last_proven(canary)
    text = deployed.configuration_file.read_text()
    # The lab's Node objects have no podCIDR, and kube-proxy waits for one.
    deployed.list_nodes(lambda nodes: [nodes[0] | {"configuration": {"detectLocalMode": "NodeCIDR"}}, nodes[1]])
    deployed.configure(lambda values: values.update(rollout={"healthTimeoutSeconds": 15}))
    deployed.configure(lambda values: values["configuration"].update(configSyncPeriod="14m0s"))
    result = deployed.up()
    deployed.configuration_file.write_text(text)
    assert result.status != 0
    assert "k8s-node01: activate: kube-proxy must serve within 15 s: " in result.output
    assert "k8s-node01: activate: the previous generation " in result.output
    assert proven in generations.assert_serves(canary)
    assert deployed.processes()[other.name] == process


def test_node_taken_out_of_the_configuration_is_cleaned_up_and_no_other_is_restarted(deployed: Cluster) -> None:
    stays, goes = deployed.nodes
    process = deployed.processes()[stays.name]
    deployed.list_nodes(lambda nodes: nodes[:1])
    result = deployed.up()
    assert result.status == 0, result.output
    assert deployed.processes()[stays.name] == process
    assert rules.of(goes) == rules.OF_MODE["none"]
    assert generations.files(goes) == []


def test_activation_that_was_interrupted_before_the_upgrade_is_finished_after_it(deployed: Cluster) -> None:
    node = deployed.nodes[1]
    deployed.pulumi("state", "delete", "--all", "--force", "--yes")
    deployed.list_nodes(lambda nodes: nodes[1:])
    deployed.configure(lambda values: values["rollout"].update(minReadySeconds=6))  # time to kill it, on a busy machine
    with version_before(deployed.lab.project):
        running = deployed.start_pulumi(*UP)
        assert running.await_line(f"{node.name}: activate: restarting"), running.output
        node.run("pkill -KILL -f '[a]ctivate.sh'")
        assert running.await_end() != 0, running.output
    assert generations.is_activating(node)
    result = deployed.up()
    assert result.status == 0, result.output
    assert deployed.outputs()["nodes"][node.name]["generation"] in generations.assert_serves(node)
    assert not generations.is_activating(node)
