"""The short story of a virtual machine with another Debian, or with the kernel of Debian 12.

It is deployed, changed, switched to another mode, without power, and removed. `make test` has one of the systems in turn, `make soak` all. `make test SYSTEM=bullseye` chooses.
"""

from collections.abc import Iterator

import pytest

from commands.preflight.__main__ import main
from development.lab import node_image, topology, verbs
from development.lab.node import Node
from development.progress import Steps
from tests.lab import generations, probe, rules
from tests.lab.cluster import Cluster

OTHER_MODE = {"trixie": "nftables", "bullseye": "iptables", "bookworm": "nftables"}


@pytest.fixture(scope="module", params=node_image.others())
def node(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Node]:
    """The second node, installed again as a virtual machine with this system; it is the stack's only one, and the first node is off."""
    node = Node(cluster.lab, topology.WORKERS[1], request.param)
    with Steps() as steps:
        verbs.images(cluster.lab, steps, (node.suite,))
    cluster.nodes[0].kill()
    node.reinstall()
    cluster.pulumi("stack", "select", "--create", "dev")
    cluster.pulumi("state", "delete", "--all", "--force", "--yes")
    text = cluster.configuration_file.read_text()
    cluster.list_nodes(lambda nodes: [each for each in nodes if each["name"] == node.name])
    yield node
    cluster.configuration_file.write_text(text)


def set_mode(cluster: Cluster, mode: str) -> None:
    cluster.configure(lambda values: values["configuration"].update(mode=mode))


def report(cluster: Cluster, node: Node) -> dict[str, object]:
    return dict(cluster.outputs()["nodes"][node.name])


class TestOtherSystem:
    def test_first_up_deploys_in_mode_ipvs(self, cluster: Cluster, node: Node) -> None:
        result = cluster.up()
        assert result.status == 0, result.output
        proved = report(cluster, node)
        assert (proved["active"], proved["enabled"], proved["mode"]) == (True, True, "ipvs")
        assert proved["request"] == "answered"
        assert rules.of(node) == rules.OF_MODE["ipvs"]
        assert "Unknown" not in node.run("journalctl -b -o cat _PID=1 | grep kube-proxy.service; :")

    def test_changed_field_restarts_once_and_no_request_fails(self, cluster: Cluster, node: Node) -> None:
        before = generations.starts(node)
        cluster.configure(lambda values: values["configuration"].update(oomScoreAdj=-990))
        with probe.probed([node]) as answers:
            result = cluster.up()
        assert result.status == 0, result.output
        assert f"{node.name}: activate: restarting kube-proxy (changed: kube-proxy-config.yaml)" in result.output
        assert not answers[node.name].failed, str(answers[node.name])
        assert generations.starts(node) - before == 1

    def test_mode_nftables_is_refused_where_kernel_and_nft_are_too_old(
        self, cluster: Cluster, node: Node, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if node.suite != "bullseye":
            pytest.skip("they are new enough")
        text = cluster.configuration_file.read_text()
        process = node.run("systemctl show -P MainPID kube-proxy")
        set_mode(cluster, "nftables")
        result = cluster.up()
        cluster.configuration_file.write_text(text)
        capsys.readouterr()
        status = main([str(cluster.configuration_file), "--mode", "nftables"])
        printed = capsys.readouterr().out
        assert result.status != 0
        assert status == 1
        for output in (result.output, printed):
            assert "mode nftables needs Linux 5.13 or newer, this node has 5.10." in output
            assert "upgrade the kernel or choose mode ipvs" in output
            assert "mode nftables needs nft 1.0.1 or newer, this node has 0.9.8: upgrade the package nftables" in output
        assert node.run("systemctl show -P MainPID kube-proxy") == process

    def test_other_mode_loses_no_request(self, cluster: Cluster, node: Node) -> None:
        mode = OTHER_MODE[node.suite]
        set_mode(cluster, mode)
        with probe.probed([node]) as answers:
            result = cluster.up()
        assert result.status == 0, result.output
        assert not answers[node.name].failed, str(answers[node.name])
        assert report(cluster, node)["mode"] == mode
        assert rules.of(node) == rules.OF_MODE[mode]

    def test_serves_after_a_power_cut(self, cluster: Cluster, node: Node) -> None:
        node.kill()
        node.start()
        assert report(cluster, node)["generation"] in generations.assert_serves(node)
        assert rules.of(node) == rules.OF_MODE[OTHER_MODE[node.suite]]
        assert not node.run("systemctl --failed --plain --no-legend")

    def test_destroy_leaves_nothing_behind(self, cluster: Cluster, node: Node) -> None:
        result = cluster.pulumi("destroy", "--yes", "--skip-preview")
        assert result.status == 0, result.output
        assert rules.of(node) == rules.OF_MODE["none"]
        assert generations.files(node) == []
        assert node.run("systemctl is-active kube-proxy; :") == "inactive\n"
