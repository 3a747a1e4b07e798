"""The life of a fleet, second part: trouble. Each fault is named with its way out, the old service goes on, the next up converges."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from development.lab import control_plane, loopback, processes
from development.lab.control_plane import objects
from development.lab.control_plane.programs import LOAD_BALANCER
from development.lab.node import Node
from tests.lab.cluster import Cluster


@pytest.fixture
def stack(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet; afterwards its configuration is as it was."""
    text = deployed.configuration_file.read_text()
    yield deployed
    deployed.configuration_file.write_text(text)


def set_field(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda values: values["configuration"].update({name: value})


class TestADeadNode:
    def test_it_is_named_and_nobody_else_is_touched(self, stack: Cluster) -> None:
        alive, dead = stack.nodes
        process = stack.processes()[alive.name]
        dead.kill()
        stack.configure(set_field("oomScoreAdj", -996))
        assert stack.pulumi("preview").status == 0, "a preview needs no node"
        done = stack.up()
        assert done.status != 0
        assert f"{dead.name}: host check: " in done.text
        assert "must answer as an SSH server, tried 3 times: " in done.text
        assert "start the host or mend the way to it, or take the node out of kube-proxy:nodes" in done.text
        assert stack_process(alive) == process

    def test_gone_for_good_it_is_forgotten_by_one_command(self, stack: Cluster) -> None:
        """README: taken out of the configuration, one up that fails only there, one command."""
        alive, dead = stack.nodes
        stack.list_nodes(lambda nodes: nodes[:1])
        process = stack_process(alive)
        done = stack.up()
        assert done.status != 0
        assert f"{dead.name}-activate **deleting failed**" in done.text
        urn = f"urn:pulumi:dev::kube-proxy::kube-proxy:index:Rollout$kube-proxy:index:Node::{dead.name}"
        done = stack.pulumi("state", "delete", "--target-dependents", "--yes", urn)
        assert done.status == 0, done.text
        assert dead.name not in stack.pulumi("stack", "--show-urns").text
        done = stack.up()
        assert done.status == 0, done.text
        assert "12 unchanged" in done.text
        assert stack_process(alive) == process

    def test_after_a_power_cut_it_serves_by_itself(self, stack: Cluster) -> None:
        node = stack.nodes[1]
        node.start()
        node.run("until curl -sf http://192.168.99.102:10256/livez; do sleep 1; done", seconds=300)
        assert "TCP  10.0.0.1:443 rr" in node.run("until ipvsadm -ln | grep 10.0.0.1:443; do sleep 1; done")

    def test_the_next_up_goes_on_from_there(self, deployed: Cluster) -> None:
        deployed.configure(set_field("oomScoreAdj", -996))
        done = deployed.up()
        assert done.status == 0, done.text
        for node in deployed.nodes:
            assert node.run("cat /proc/$(systemctl show -P MainPID kube-proxy)/oom_score_adj") == "-996\n"


class TestAHostThatIsNotTheOneThatWasMeant:
    def test_another_host_key_is_refused(self, stack: Cluster) -> None:
        before = stack.processes()
        stack.list_nodes(lambda nodes: [nodes[0] | {"hostKey": nodes[1]["hostKey"]}, nodes[1]])
        done = stack.up()
        assert done.status != 0
        assert "k8s-node01: host check: " in done.text
        assert (
            "it has another one; if the host was reinstalled on purpose, set its hostKey to the output of:" in done.text
        )
        assert stack.processes() == before

    def test_a_key_that_it_does_not_know_is_named(self, stack: Cluster, tmp_path: Path) -> None:
        before = stack.processes()
        key = tmp_path / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        stack.configure(lambda values: values["ssh"].update(privateKeyFile=str(key)))
        done = stack.up()
        assert done.status != 0
        assert "must let user root in with the SSH key SHA256:" in done.text
        assert stack.processes() == before


@contextmanager
def full_disk(_: Cluster, node: Node) -> Iterator[None]:
    node.run("fallocate -l $(df --output=avail -B1 /var | tail -n 1) /var/fill")
    try:
        yield
    finally:
        node.run("rm /var/fill")


@contextmanager
def api_away(cluster: Cluster, _: Node) -> Iterator[None]:
    processes.stop(cluster.lab, LOAD_BALANCER)
    try:
        yield
    finally:
        control_plane.start(cluster.lab, loopback.choose(cluster.lab))


@contextmanager
def no_node_object(cluster: Cluster, node: Node) -> Iterator[None]:
    cluster.kubectl("delete", "node", node.name)
    try:
        yield
    finally:
        objects.register_nodes(cluster.lab)


class TestAChangeThatANodeCanNotTake:
    """Each is found before anything live is touched; without the fault the same change goes through."""

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            (full_disk, "k8s-node01: preflight: /var/lib must have "),
            (api_away, ": stage: the API server https://192.168.99.100:8443 must answer: curl: "),
            (no_node_object, "k8s-node01: stage: Node k8s-node01 must exist in the cluster"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_is_refused_while_the_old_service_goes_on(
        self, stack: Cluster, fault: Callable[[Cluster, Node], Any], message: str
    ) -> None:
        before = stack.processes()
        stack.configure(set_field("oomScoreAdj", -997))
        with fault(stack, stack.nodes[0]):
            done = stack.up()
            assert done.status != 0
            assert message in done.text
            assert stack.processes() == before

    def test_goes_through_once_the_fault_is_mended(self, deployed: Cluster) -> None:
        deployed.configure(set_field("oomScoreAdj", -997))
        done = deployed.up()
        assert done.status == 0, done.text


class TestAGenerationThatDoesNotServe:
    def test_the_canary_is_put_back_and_the_rest_is_not_touched(self, stack: Cluster) -> None:
        canary, other = stack.nodes
        process = stack.processes()[other.name]
        own = [{"healthzBindAddress": "192.168.99.250:10256"}, {"oomScoreAdj": -995}]
        stack.list_nodes(lambda nodes: [node | {"configuration": each} for node, each in zip(nodes, own, strict=True)])
        stack.configure(lambda values: values.update(rollout={"healthTimeoutSeconds": 15}))
        done = stack.up()
        assert done.status != 0
        assert "k8s-node01: activate: kube-proxy must serve within 15 s: http://192.168.99.250:10256/livez" in done.text
        assert "cannot assign requested address" in done.text, "the journal's reason"
        assert "k8s-node01: activate: the previous generation " in done.text
        canary.run("until curl -sf http://192.168.99.101:10256/livez; do sleep 1; done")
        assert stack_process(other) == process

    def test_without_the_fault_nothing_restarts(self, deployed: Cluster) -> None:
        processes = deployed.processes()
        done = deployed.up()
        assert done.status == 0, done.text
        assert deployed.processes() == processes


def stack_process(node: Node) -> str:
    return node.run("systemctl show -P MainPID kube-proxy").strip()
