"""An upgrade: this version takes over the state and the nodes of a stack that the version before deployed."""

import re

import pytest

from development.lab import stack
from tests.lab import generations, probe, rules
from tests.lab.cluster import UP, Cluster
from tests.lab.version_before import version_before

ANNOUNCED = {
    "kube-proxy:index:Node {}": "delete",
    "command:remote:Command {}-preflight": "delete",
    "command:remote:CopyToRemote {}-binary": "delete",
    "command:remote:Command {}-stage": "update",
    "command:remote:Command {}-activate": "update",
}
"""What CHANGELOG.md announces for each node, by type and name: its stages run again and its documents move. Nothing else."""

_UNIT = "/usr/lib/systemd/system/kube-proxy.service"
_INSTALLED = "/etc /opt /usr/local /usr/lib/systemd"
_BEFORE = "/run/before-the-upgrade"


@pytest.fixture(scope="module")
def fleet(cluster: Cluster) -> Cluster:
    """A fleet that the version before deployed: a node in mode ipvs, one in mode nftables."""
    cluster.pulumi("stack", "select", "--create", "dev")
    cluster.configure(lambda values: values["rollout"].update(canary=0, maxUnavailable="100%"))  # faster
    configure_nodes(cluster)
    with version_before(cluster.lab.project):
        result = cluster.up()
    assert result.status == 0, result.output
    return cluster


def configure_nodes(fleet: Cluster, **fields_of_first: object) -> None:
    own: list[dict[str, object]] = [fields_of_first, {"mode": "nftables"}]
    fleet.list_nodes(lambda nodes: [node | {"configuration": each} for node, each in zip(nodes, own, strict=True)])


class TestUpgrade:
    def test_preview_shows_what_the_changelog_announces_and_no_replacement(self, fleet: Cluster) -> None:
        result = fleet.pulumi("preview")
        assert result.status == 0, result.output
        expected = {name.format(node.name): step for node in fleet.nodes for name, step in ANNOUNCED.items()}
        assert operations(result.output) == expected

    def test_restarts_each_node_once_for_the_unit_alone_and_no_request_fails(self, fleet: Cluster) -> None:
        """CHANGELOG.md announces it: the unit is hardened."""
        certificate = fleet.outputs()["certificate"]
        starts = {node.name: generations.starts(node) for node in fleet.nodes}
        for node in fleet.nodes:
            node.run(f"touch {_BEFORE}")
        with probe.probed(fleet.nodes) as answers:
            result = fleet.up()
        assert result.status == 0, result.output
        assert stack.block(result.output.splitlines(), "Resources:") == [
            "~ 4 updated",
            "- 6 deleted",
            "10 changes. 7 unchanged",
        ]
        outputs = fleet.outputs()
        assert outputs["certificate"] == certificate
        for node in fleet.nodes:
            assert generations.starts(node) - starts[node.name] == 1
            assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
            assert node.run(f"find {_INSTALLED} -xdev ! -type d -cnewer {_BEFORE}").split() == [_UNIT]
            assert outputs["nodes"][node.name]["generation"] in generations.assert_serves(node)

    def test_a_second_up_changes_nothing(self, fleet: Cluster) -> None:
        result = fleet.up()
        assert result.status == 0, result.output
        assert stack.block(result.output.splitlines(), "Resources:") == ["11 unchanged"]


class TestAfterTheUpgrade:
    def test_a_change_that_does_not_serve_is_rolled_back_on_the_canary_and_reaches_no_other_node(
        self, fleet: Cluster
    ) -> None:
        canary, other = fleet.nodes
        process = fleet.processes()[other.name]
        proven = generations.last_proven(canary)
        text = fleet.configuration_file.read_text()
        # The lab's Node objects have no podCIDR, and kube-proxy waits for one.
        configure_nodes(fleet, detectLocalMode="NodeCIDR")
        fleet.configure(lambda values: values.update(rollout={"healthTimeoutSeconds": 15}))
        fleet.configure(lambda values: values["configuration"].update(oomScoreAdj=-995))
        result = fleet.up()
        fleet.configuration_file.write_text(text)
        assert result.status != 0
        assert "k8s-node01: activate: kube-proxy must serve within 15 s: " in result.output
        assert "k8s-node01: activate: the previous generation " in result.output
        assert proven in generations.assert_serves(canary)
        assert fleet.processes()[other.name] == process

    def test_a_node_taken_out_of_the_configuration_is_cleaned_up_and_no_other_is_restarted(
        self, fleet: Cluster
    ) -> None:
        stays, goes = fleet.nodes
        process = fleet.processes()[stays.name]
        fleet.list_nodes(lambda nodes: nodes[:1])
        result = fleet.up()
        assert result.status == 0, result.output
        assert fleet.processes()[stays.name] == process
        assert rules.of(goes) == rules.OF_MODE["none"]
        assert generations.files(goes) == []


def test_an_activation_that_was_interrupted_before_the_upgrade_is_finished_after_it(fleet: Cluster) -> None:
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


def operations(preview: str) -> dict[str, str]:
    """Returns what a preview would do to each resource, by its type and name; unchanged resources are left out."""
    return dict(re.findall(r"^ *\S+ +(\S+:\S+ \S+) (create|update|delete|replace)\b", preview, re.MULTILINE))
