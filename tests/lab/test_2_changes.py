"""The life of a fleet, second part: changed under traffic. Requests go on, other people's things stay, faults leave no mixture.

Each test goes on where the last ended; `make soak` does the same for hours, at random moments.
"""

from collections.abc import Iterator

import pytest

from tests.lab import foreign, generations, probe, rules
from tests.lab.cluster import UP, Cluster, binary
from tests.lab.running import cut_connections

FIELD = "oomScoreAdj"


@pytest.fixture(scope="module")
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet, both nodes activated at the same time; afterwards in the order that the other parts of the story want."""
    rollout = deployed.configured()["rollout"]
    deployed.configure(lambda values: values["rollout"].update(canary=0, maxUnavailable="100%"))
    yield deployed
    deployed.configure(lambda values: values.update(rollout=rollout))
    for node in deployed.nodes:
        foreign.remove(node)


def set_field(fleet: Cluster, value: int) -> None:
    fleet.configure(lambda values: values["configuration"].update({FIELD: value}))


def set_mode(fleet: Cluster, mode: str) -> None:
    fleet.configure(lambda values: values["configuration"].update(mode=mode))


def converges(fleet: Cluster) -> None:
    """One up brings every node to what the stack says, entire."""
    done = fleet.up()
    assert done.status == 0, done.text
    for node in fleet.nodes:
        assert generations.assert_serves(node) == fleet.outputs()["nodes"][node.name]["generation"]


class TestAnOperatorWhoDisappears:
    """No request fails, and the next up goes on from there; meanwhile versions go down and up again by a minor."""

    def test_connections_cut_in_the_middle_of_a_downgrade(self, fleet: Cluster) -> None:
        starts = {node.name: generations.starts(node) for node in fleet.nodes}
        fleet.configure(lambda values: values.update(binary=binary("1.35.1")))
        with probe.probed(fleet.nodes) as answers:
            running = fleet.begin(*UP)
            assert running.says("-activate "), running.text
            for node in fleet.nodes:
                cut_connections(node)
            assert running.ends() != 0, running.text
            converges(fleet)
        for node in fleet.nodes:
            assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
            assert generations.starts(node) - starts[node.name] == 1
            assert "v1.35.1" in node.run("/usr/local/bin/kube-proxy --version")

    def test_control_c_in_the_middle_of_an_upgrade(self, fleet: Cluster) -> None:
        starts = {node.name: generations.starts(node) for node in fleet.nodes}
        fleet.configure(lambda values: values.update(binary=binary("1.36.2")))
        with probe.probed(fleet.nodes) as answers:
            running = fleet.begin(*UP)
            assert running.says("-activate "), running.text
            running.interrupt()
            assert running.ends() != 0, running.text
            converges(fleet)
        for node in fleet.nodes:
            assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
            assert generations.starts(node) - starts[node.name] == 1
            assert "v1.36.2" in node.run("/usr/local/bin/kube-proxy --version")


class TestAPowerCut:
    def test_of_all_nodes_in_the_middle_of_a_switch_leaves_one_generation_which_serves(self, fleet: Cluster) -> None:
        set_field(fleet, -900)
        running = fleet.begin(*UP)
        assert running.says(": activate: restarting"), running.text
        for node in fleet.nodes:
            node.kill()
        assert running.ends() != 0, running.text
        for node in fleet.nodes:
            node.start()
        for node in fleet.nodes:
            generations.assert_serves(node)
        converges(fleet)


class TestModes:
    """A mode leaves nothing of another, and takes nothing of anybody else."""

    def test_ipvs_to_iptables(self, fleet: Cluster) -> None:
        node = fleet.nodes[0]
        foreign.add(node)
        foreign.add_virtual_servers(node)
        things, servers = foreign.things(node), foreign.virtual_servers(node)
        assert len(things) == 13
        assert len(servers) == 3
        set_mode(fleet, "iptables")
        converges(fleet)
        for each in fleet.nodes:
            assert rules.of(each) == rules.OF_MODE["iptables"]
        assert foreign.things(node) == things
        assert foreign.virtual_servers(node) == servers

    def test_nftables_is_refused_while_it_would_take_virtual_servers_of_others(self, fleet: Cluster) -> None:
        node = fleet.nodes[0]
        before, servers = fleet.processes(), foreign.virtual_servers(node)
        set_mode(fleet, "nftables")
        done = fleet.up()
        assert done.status != 0
        assert "in mode nftables kube-proxy would remove 2 of them (" in done.text
        assert "TCP 10.99.0.1:80" in done.text
        assert "or allow it with removeForeignVirtualServers: true in kube-proxy:rollout" in done.text
        assert fleet.processes() == before
        assert foreign.virtual_servers(node) == servers

    def test_iptables_to_nftables_once_they_may_go(self, fleet: Cluster) -> None:
        node = fleet.nodes[0]
        things = foreign.things(node)
        fleet.configure(lambda values: values["rollout"].update(removeForeignVirtualServers=True))
        converges(fleet)
        for each in fleet.nodes:
            assert rules.of(each) == rules.OF_MODE["nftables"]
        assert foreign.things(node) == things
        assert foreign.virtual_servers(node) == []


class TestANodeTakenOut:
    def test_is_clean_and_no_other_is_disturbed(self, fleet: Cluster) -> None:
        stays, goes = fleet.nodes
        process = fleet.processes()[stays.name]
        fleet.list_nodes(lambda nodes: nodes[:1])
        done = fleet.up()
        assert done.status == 0, done.text
        assert fleet.processes()[stays.name] == process
        assert rules.of(goes) == rules.OF_MODE["none"]
        assert goes.run("ls -d /etc/kubernetes /var/lib/kube-proxy* /usr/local/bin/kube-proxy 2>/dev/null; :") == ""

    def test_is_put_back_while_the_other_goes_from_nftables_to_ipvs(self, fleet: Cluster) -> None:
        node = fleet.nodes[0]
        things = foreign.things(node)
        foreign.add_virtual_servers(node)
        servers = foreign.virtual_servers(node)
        fleet.list_nodes(lambda nodes: nodes)
        fleet.configure(lambda values: values["rollout"].update(removeForeignVirtualServers=False))
        set_mode(fleet, "ipvs")
        converges(fleet)
        for each in fleet.nodes:
            assert rules.of(each) == rules.OF_MODE["ipvs"]
        assert foreign.things(node) == things
        assert foreign.virtual_servers(node) == servers
