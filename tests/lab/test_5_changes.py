"""Power cuts and switches of mode: what serves goes on, and what belongs to others stays.

Each test goes on where the last ended. `make soak` does the same for hours, at random moments.
"""

import time
from collections.abc import Iterator

import pytest

from tests.lab import foreign, generations, pod, probe, rules, secrets
from tests.lab.cluster import UP, Cluster, binary


@pytest.fixture(scope="module")
def fleet(cluster: Cluster) -> Iterator[Cluster]:
    """A stack of the first node, as test_4_upgrade.py leaves it; deployed here if that file did not run.

    The second node is off from then on, so no test of both nodes may follow. test_5_other_systems.py installs it again.

    Objects of others are removed afterwards, and the configuration is what it was.
    """
    node, other = cluster.nodes
    text = cluster.configuration_file.read_text()
    cluster.pulumi("stack", "select", "--create", "dev")
    cluster.list_nodes(lambda nodes: nodes[:1])
    if list(cluster.outputs().get("nodes", ())) != [node.name]:
        result = cluster.up()
        assert result.status == 0, result.output
    other.kill()
    yield cluster
    cluster.configuration_file.write_text(text)
    foreign.remove(node)


def test_power_cut_leaves_files_of_one_generation_which_serves(fleet: Cluster) -> None:
    """A downgrade, since the binary belongs to the generation, too. The tests below change modes with kube-proxy 1.35.1."""
    node = fleet.nodes[0]
    fleet.configure(lambda values: values.update(binary=binary("1.35.1")))
    running = fleet.start_pulumi(*UP)
    assert running.await_line(f"{node.name}: activate: restarting"), running.output
    node.kill()
    assert running.await_end() != 0, running.output
    node.start()
    generations.assert_serves(node)
    generations.assert_up_converges(fleet, [node])
    assert "v1.35.1" in node.run("/usr/local/bin/kube-proxy --version")


def set_mode(fleet: Cluster, mode: str) -> None:
    fleet.list_nodes(lambda nodes: [nodes[0] | {"configuration": {"mode": mode}}])


def assert_switches_without_a_failed_request(fleet: Cluster, mode: str) -> None:
    """Of requests from the node, from a pod, and from outside to all addresses of a Service."""
    node = fleet.nodes[0]
    set_mode(fleet, mode)
    with probe.probed([node], pods=True) as answers:
        generations.assert_up_converges(fleet, [node])
    assert not answers[node.name].failed, str(answers[node.name])
    assert rules.of(node) == rules.OF_MODE[mode]


_PROCESS = "systemctl show -P MainPID kube-proxy"
_DROP_IN = "/etc/systemd/system/kube-proxy.service.d"
_FAULT = """\
[Service]
RestartSec=1
ExecStartPost=/bin/sh -c 'sleep 5; ! grep -q "^mode: nftables" /etc/kubernetes/kube-proxy-config.yaml'
"""


@pytest.fixture(scope="class")
def pods(fleet: Cluster) -> Iterator[None]:
    pod.add(fleet, fleet.nodes[:1])
    yield
    pod.remove(fleet, fleet.nodes[:1])


@pytest.mark.usefixtures("pods")
class TestSwitchOfMode:
    def test_that_does_not_serve_is_rolled_back_without_a_failed_request(self, fleet: Cluster) -> None:
        """kube-proxy gets five seconds to delete the rules of mode ipvs before its start counts as failed."""
        node = fleet.nodes[0]
        fleet.configure(lambda values: values["rollout"].update(connectionDrainSeconds=0))
        set_mode(fleet, "nftables")
        node.run(f"mkdir -p {_DROP_IN} && cat >{_DROP_IN}/fault.conf && systemctl daemon-reload", stdin=_FAULT.encode())
        with probe.probed([node], pods=True) as answers:
            result = fleet.up()
        node.run(f"rm -r {_DROP_IN} && systemctl daemon-reload")
        assert result.status != 0
        assert "activate: the previous generation serves again" in result.output
        assert not answers[node.name].failed, str(answers[node.name])
        assert rules.of(node) == rules.OF_MODE["ipvs"]

    def test_power_cut_while_connections_drain_leaves_the_mode_of_before(self, fleet: Cluster) -> None:
        """Without the fault, `pulumi up` tries the change again. The next test's completes it."""
        node = fleet.nodes[0]
        fleet.configure(lambda values: values["rollout"].update(connectionDrainSeconds=15))
        set_mode(fleet, "nftables")
        with pod.connections(node):
            running = fleet.start_pulumi(*UP)
            assert running.await_line("waiting for open connections through IPVS to end: 1, at most 15 s"), (
                running.output
            )
            assert "handover" in rules.of(node)
            node.kill()
            assert running.await_end() != 0, running.output
        node.start()
        generations.assert_serves(node)
        pod.add_to(node)
        pod.await_answers(node)
        assert rules.of(node) == rules.OF_MODE["ipvs"]

    def test_connections_through_ipvs_live_until_the_drain_is_over(self, fleet: Cluster) -> None:
        """A UDP flow goes on after it. The second table has the rules that kube-proxy then writes for itself, and one more."""
        node = fleet.nodes[0]
        with probe.probed([node], pods=True) as answers, pod.connections(node) as (of_tcp, of_udp):
            running = fleet.start_pulumi(*UP)
            assert running.await_line("waiting for open connections through IPVS to end: 1, at most 15 s"), (
                running.output
            )
            waits = time.monotonic()
            second_table = rules.table(node, "kube-proxy-handover")
            assert running.await_line("open connections through IPVS that are cut: 1"), running.output
            assert running.await_end(900) == 0, running.output
            served = time.monotonic()
            time.sleep(3)
        assert not answers[node.name].failed, str(answers[node.name])
        for family in ("ip", "ip6"):
            masquerades = f"ct status dnat {family} saddr @cluster-ips masquerade fully-random"
            second_table[f"{family} chain nat-postrouting"].remove(masquerades)
        assert second_table == rules.table(node, "kube-proxy")
        assert [block for block in second_table if f"/{pod.LOCAL}/" in block]
        assert not [block for block in second_table if f"/{pod.HEADLESS}/" in block]
        assert 10 < of_tcp[-1] - waits < served - waits
        assert of_udp[-1] > served

    def test_nftables_to_ipvs_removes_the_table_and_nothing_of_others_and_connections_go_on(
        self, fleet: Cluster
    ) -> None:
        node = fleet.nodes[0]
        foreign.add(node)
        foreign.add_virtual_servers(node)
        objects, servers = foreign.objects(node), foreign.virtual_servers(node)
        assert len(objects) == 13
        assert len(servers) == 3
        with pod.connections(node) as (of_tcp, of_udp):
            assert_switches_without_a_failed_request(fleet, "ipvs")
            served = time.monotonic()
            time.sleep(3)
        assert of_tcp[-1] > served
        assert of_udp[-1] > served
        assert foreign.objects(node) == objects
        assert foreign.virtual_servers(node) == servers

    def test_ipvs_to_iptables_removes_ipvs_rules_and_nothing_of_others(self, fleet: Cluster) -> None:
        """The activation waits for an open connection through IPVS, whose client closes it soon. A UDP flow goes on."""
        node = fleet.nodes[0]
        objects, servers = foreign.objects(node), foreign.virtual_servers(node)
        set_mode(fleet, "iptables")
        with probe.probed([node], pods=True) as answers, pod.connection(node, pod.UDP) as of_udp:
            with pod.connection(node, pod.TCP) as of_tcp:
                running = fleet.start_pulumi(*UP)
                assert running.await_line("waiting for open connections through IPVS to end: 1"), running.output
                waits = time.monotonic()
                time.sleep(1)
            assert running.await_end(900) == 0, running.output
            served = time.monotonic()
            time.sleep(3)
        assert not answers[node.name].failed, str(answers[node.name])
        assert of_tcp[-1] > waits
        assert of_udp[-1] > served
        assert "that are cut" not in running.output
        assert rules.of(node) == rules.OF_MODE["iptables"]
        assert foreign.objects(node) == objects
        assert foreign.virtual_servers(node) == servers

    def test_to_nftables_is_refused_while_it_would_remove_virtual_servers_of_others(self, fleet: Cluster) -> None:
        node = fleet.nodes[0]
        before, servers = node.run(_PROCESS), foreign.virtual_servers(node)
        set_mode(fleet, "nftables")
        result = fleet.up()
        assert result.status != 0
        assert "in mode nftables kube-proxy would remove 2 of them (" in result.output
        assert "TCP 10.99.0.1:80" in result.output
        assert "or allow it with removeForeignVirtualServers: true in kube-proxy:rollout" in result.output
        assert node.run(_PROCESS) == before
        assert foreign.virtual_servers(node) == servers

    def test_iptables_to_nftables_is_made_once_allowed(self, fleet: Cluster) -> None:
        """In its sandbox kube-proxy can't call modprobe, and then leaves IPVS alone (pkg/proxy/ipvs/cleanup.go)."""
        node = fleet.nodes[0]
        objects, servers = foreign.objects(node), foreign.virtual_servers(node)
        fleet.configure(lambda values: values["rollout"].update(removeForeignVirtualServers=True))
        assert_switches_without_a_failed_request(fleet, "nftables")
        assert foreign.objects(node) == objects
        assert foreign.virtual_servers(node) == servers


def test_no_secret_is_left_by_power_cuts_and_rollbacks(fleet: Cluster) -> None:
    node = fleet.nodes[0]
    secrets.assert_nowhere(fleet, [node])
    assert node.run("ls -d /run/kube-proxy.* 2>/dev/null; :") == ""
