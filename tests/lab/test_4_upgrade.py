"""An upgrade: this version takes over the state and the nodes of a stack that the version before deployed.

tests/containers/test_upgraded.py goes on from there.
"""

import re

import pytest

from development.lab import stack
from tests.lab import generations, probe
from tests.lab.cluster import Cluster
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
    cluster.list_nodes(lambda nodes: [nodes[0], nodes[1] | {"configuration": {"mode": "nftables"}}])
    with version_before(cluster.lab.project):
        result = cluster.up()
    assert result.status == 0, result.output
    return cluster


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


def operations(preview: str) -> dict[str, str]:
    """Returns what a preview would do to each resource, by its type and name; unchanged resources are left out."""
    return dict(re.findall(r"^ *\S+ +(\S+:\S+ \S+) (create|update|delete|replace)\b", preview, re.MULTILINE))
