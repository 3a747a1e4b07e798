"""Dead nodes, refused logins, faults of a node and of the API: each is reported with its way out, and kube-proxy goes on."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from development.lab import control_plane, loopback, processes, stack
from development.lab.control_plane import objects
from development.lab.control_plane.programs import LOAD_BALANCER
from development.lab.node import Node
from tests.lab import generations
from tests.lab.cluster import Cluster

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet; its configuration is restored afterwards."""
    text = deployed.configuration_file.read_text()
    yield deployed
    deployed.configuration_file.write_text(text)


def set_field(fleet: Cluster, value: str) -> None:
    fleet.configure(lambda values: values["configuration"].update(configSyncPeriod=value))


class TestDeadNode:
    def test_is_named_and_no_other_node_is_changed(self, fleet: Cluster) -> None:
        alive, dead = fleet.nodes
        process = process_of(alive)
        dead.kill()
        set_field(fleet, "16m0s")
        assert fleet.pulumi("preview").status == 0, "a preview needs no node"
        result = fleet.up()
        assert result.status != 0
        assert f"{dead.name}: host check: " in result.output
        assert "must answer as an SSH server, tried 3 times: " in result.output
        assert "start the host, repair the connection to it, or remove it from the configuration" in result.output
        assert process_of(alive) == process

    def test_that_never_comes_back_is_forgotten_by_one_command(self, fleet: Cluster) -> None:
        """The steps of docs/operations.md: take it out of the configuration, one up that fails only there, one command."""
        alive, dead = fleet.nodes
        fleet.list_nodes(lambda nodes: nodes[:1])
        process = process_of(alive)
        result = fleet.up()
        assert result.status != 0
        assert f"{dead.name}-activate **deleting failed**" in result.output
        urn = f"urn:pulumi:dev::kube-proxy::kube-proxy:index:Rollout$command:remote:Command::{dead.name}-activate"
        result = fleet.pulumi("state", "delete", "--yes", urn)
        assert result.status == 0, result.output
        result = fleet.up()
        assert result.status == 0, result.output
        assert stack.block(result.output.splitlines(), "Resources:") == ["- 2 deleted", "8 unchanged"]
        assert dead.name not in fleet.pulumi("stack", "--show-urns").output
        assert process_of(alive) == process

    def test_serves_without_help_once_it_boots(self, fleet: Cluster) -> None:
        node = fleet.nodes[1]
        node.start()
        generations.assert_serves(node)
        node.run(
            "until nft list map ip kube-proxy service-ips | grep '10[.]0[.]0[.]1 [.] tcp [.] 443 '; do sleep 1; done"
        )

    def test_is_changed_by_the_next_up(self, deployed: Cluster) -> None:
        set_field(deployed, "16m0s")
        result = deployed.up()
        assert result.status == 0, result.output
        for node in deployed.nodes:
            live = json.loads(node.run(f"curl -s http://{node.worker.address}:10249/configz"))
            assert live["kubeproxy.config.k8s.io"]["configSyncPeriod"] == "16m0s"


class TestLogin:
    def test_to_a_host_with_another_key_is_refused(self, fleet: Cluster) -> None:
        before = fleet.processes()
        fleet.list_nodes(lambda nodes: [nodes[0] | {"hostKey": nodes[1]["hostKey"]}, nodes[1]])
        result = fleet.up()
        assert result.status != 0
        assert "k8s-node01: host check: " in result.output
        assert (
            "it has another one; if the host was reinstalled on purpose, set its hostKey, or its line in ssh.knownHostsFile, to"
            in result.output
        )
        assert fleet.processes() == before

    def test_with_an_ssh_key_that_the_node_refuses_names_the_key(self, fleet: Cluster, tmp_path: Path) -> None:
        before = fleet.processes()
        key = tmp_path / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        fleet.configure(lambda values: values["ssh"].update(privateKeyFile=str(key)))
        result = fleet.up()
        assert result.status != 0
        assert "must accept user root with the SSH key SHA256:" in result.output
        assert fleet.processes() == before


@contextmanager
def stopped_load_balancer(cluster: Cluster) -> Iterator[None]:
    processes.stop(cluster.lab, LOAD_BALANCER)
    try:
        yield
    finally:
        control_plane.start(cluster.lab, loopback.choose(cluster.lab))


@contextmanager
def deleted_node_object(cluster: Cluster) -> Iterator[None]:
    cluster.kubectl("delete", "node", "k8s-node01")
    try:
        yield
    finally:
        objects.register_nodes(cluster.lab)


class TestChangeThatANodeCannotTake:
    """Preflight's own faults are in tests/lab/test_1_preflight.py."""

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            (stopped_load_balancer, ": stage: the API server https://192.168.99.100:8443 must answer: curl: "),
            (deleted_node_object, "k8s-node01: stage: Node k8s-node01 must exist in the cluster"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_is_refused_and_kube_proxy_is_not_restarted(
        self, fleet: Cluster, fault: Callable[[Cluster], Any], message: str
    ) -> None:
        before = fleet.processes()
        set_field(fleet, "17m0s")
        with fault(fleet):
            result = fleet.up()
        assert result.status != 0
        assert message in result.output
        assert fleet.processes() == before

    def test_is_taken_by_the_next_up_without_the_fault(self, deployed: Cluster) -> None:
        set_field(deployed, "17m0s")
        result = deployed.up()
        assert result.status == 0, result.output


def process_of(node: Node) -> str:
    return node.run("systemctl show -P MainPID kube-proxy").strip()
