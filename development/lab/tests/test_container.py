"""A container as a node: it boots like a virtual machine, keeps its files without power, and leaves nothing behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.lab import loopback, network, node_image, ssh, topology, verbs
from development.lab.container import Container
from development.paths import Lab

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a container")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Container]:
    """A node that runs. The image is the one in the cache (`make prepare`)."""
    assert node_image.image(node_image.SUITE).directory.exists(), "run `make prepare` first"
    lab = Lab(tmp_path / "a project's directory, with a comma")
    lab.create()
    lab.containers.touch()
    ssh.prepare(lab)
    network.start(lab)
    made = Container(lab, topology.WORKERS[0])
    made.start()
    yield made
    made.kill()
    network.stop(lab)


def test_is_an_empty_machine_again_once_it_is_reinstalled(node: Container) -> None:
    node.run("touch /etc/kept")
    node.reinstall()
    assert node.run("ls /etc/kept 2>/dev/null; :") == ""


def test_is_what_the_labs_verbs_find(node: Container) -> None:
    assert verbs.nodes(node.lab)[0] == node


def traces(node: Container) -> set[str]:
    """Returns mounts with the node's files, in all namespaces that processes have, and its control groups."""
    mounts = {
        line for file in Path("/proc").glob("[0-9]*/mounts") for line in read(file) if str(node.lab.state) in line
    }
    name = f"kube-proxy-lab-{loopback.choose(node.lab).prefix}-{node.name}"
    return mounts | {str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{name}")}


def read(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def test_boots_completely_with_the_nodes_name_and_addresses(node: Container) -> None:
    assert node.run("systemctl is-system-running; hostname") == f"running\n{node.name}\n"
    addresses = node.run("ip -o address show dev enp0s1 scope global | awk '{ print $4 }'").split()
    assert addresses == [f"{node.worker.address}/24", f"{topology.ipv6(node.worker.address)}/64"]


def test_keeps_its_files_when_it_is_killed(node: Container) -> None:
    node.run("echo kept >/etc/kept; touch /run/lost")
    node.kill()
    assert not node.is_running()
    node.start()
    assert node.run("cat /etc/kept; ls /run/lost 2>/dev/null; :") == "kept\n"


def test_leaves_nothing_when_it_is_killed(node: Container) -> None:
    assert traces(node)
    node.kill()
    assert traces(node) == set()
