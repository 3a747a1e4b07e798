"""An upgrade: this version takes over the state and the node of a stack that the version before deployed.

The node is in mode ipvs; tests/containers/test_upgraded.py upgrades others in mode nftables, and goes on from there.
"""

import re

import pytest

from development.lab import stack
from tests.lab import generations, probe
from tests.lab.cluster import Cluster
from tests.lab.version_before import version_before

ANNOUNCED = {
    "kube-proxy:index:Node k8s-node01": "delete",
    "command:remote:Command k8s-node01-preflight": "delete",
    "command:remote:CopyToRemote k8s-node01-binary": "delete",
    "command:remote:Command k8s-node01-stage": "update",
    "command:remote:Command k8s-node01-activate": "update",
}
"""What CHANGELOG.md announces for each node, by type and name: its stages run again and its documents move. Nothing else."""

_UNIT = "/usr/lib/systemd/system/kube-proxy.service"
_INSTALLED = "/etc /opt /usr/local /usr/lib/systemd"
_BEFORE = "/run/before-the-upgrade"


@pytest.fixture(scope="module")
def stack_of_before(cluster: Cluster) -> Cluster:
    """One node, which the version before deployed."""
    cluster.pulumi("stack", "select", "--create", "dev")
    cluster.list_nodes(lambda nodes: nodes[:1])
    with version_before(cluster.lab.project):
        result = cluster.up()
    assert result.status == 0, result.output
    return cluster


class TestUpgrade:
    def test_preview_shows_what_the_changelog_announces_and_no_replacement(self, stack_of_before: Cluster) -> None:
        result = stack_of_before.pulumi("preview")
        assert result.status == 0, result.output
        assert operations(result.output) == ANNOUNCED

    def test_restarts_the_node_once_for_the_unit_alone_and_no_request_fails(self, stack_of_before: Cluster) -> None:
        """CHANGELOG.md announces it: the unit is hardened."""
        node = stack_of_before.nodes[0]
        certificate = stack_of_before.outputs()["certificate"]
        starts = generations.starts(node)
        node.run(f"touch {_BEFORE}")
        with probe.probed([node]) as answers:
            result = stack_of_before.up()
        assert result.status == 0, result.output
        assert stack.block(result.output.splitlines(), "Resources:") == [
            "~ 2 updated",
            "- 3 deleted",
            "5 changes. 6 unchanged",
        ]
        outputs = stack_of_before.outputs()
        assert outputs["certificate"] == certificate
        assert generations.starts(node) - starts == 1
        assert not answers[node.name].failed, str(answers[node.name])
        assert node.run(f"find {_INSTALLED} -xdev ! -type d -cnewer {_BEFORE}").split() == [_UNIT]
        assert outputs["nodes"][node.name]["generation"] in generations.assert_serves(node)

    def test_a_second_up_changes_nothing(self, stack_of_before: Cluster) -> None:
        result = stack_of_before.up()
        assert result.status == 0, result.output
        assert stack.block(result.output.splitlines(), "Resources:") == ["8 unchanged"]


def operations(preview: str) -> dict[str, str]:
    """Returns what a preview would do to each resource, by its type and name; unchanged resources are left out."""
    return dict(re.findall(r"^ *\S+ +(\S+:\S+ \S+) (create|update|delete|replace)\b", preview, re.MULTILINE))
