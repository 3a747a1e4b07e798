"""A node with user-mode Linux: it boots like a virtual machine, keeps its files without power, and leaves nothing behind."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from development.lab import disk, network, node_image, ssh, topology, user_mode_linux, verbs
from development.lab.node import Node
from development.lab.user_mode_node import UserModeNode
from development.paths import Lab

pytestmark = pytest.mark.xdist_group("user mode")
with_its_kernel = pytest.mark.skipif(
    not (user_mode_linux.helps() or user_mode_linux.kernel().directory.exists()),
    reason="nodes are virtual machines here",
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserModeNode]:
    """A node that runs. Image and kernel are those in the cache (`make prepare`)."""
    for directory in (node_image.image(node_image.SUITE).directory, user_mode_linux.kernel().directory):
        assert directory.exists(), "run `make prepare` first"
    lab = Lab(tmp_path_factory.mktemp("lab") / "a project's directory, with a comma")
    lab.create()
    ssh.prepare(lab)
    network.start(lab)
    made = UserModeNode(lab, topology.WORKERS[0])
    made.start()
    yield made
    made.kill()
    network.stop(lab)


@with_its_kernel
def test_boots_completely_with_the_nodes_name_and_addresses_and_another_kernel(node: UserModeNode) -> None:
    assert node.run("systemctl is-system-running; hostname") == f"running\n{node.name}\n"
    addresses = node.run("ip -o address show dev enp0s1 scope global | awk '{ print $4 }'").split()
    assert addresses == [f"{node.worker.address}/24", f"{topology.ipv6(node.worker.address)}/64"]
    assert node.run("modprobe ip_vs_rr; grep -c . /proc/net/ip_vs") != "0\n"
    assert "Linux version" in node.console.read_text(errors="replace")


@with_its_kernel
def test_keeps_what_it_synced_when_its_power_is_cut_and_all_when_it_is_suspended(node: UserModeNode) -> None:
    node.run("echo synced >/etc/synced; sync; touch /run/lost")
    node.kill()
    assert not node.is_running()
    node.start()
    assert node.run("cat /etc/synced; ls /run/lost 2>/dev/null; echo all >/etc/all") == "synced\n"
    node.suspend()
    node.start()
    assert node.run("cat /etc/all") == "all\n"


@with_its_kernel
def test_is_started_again_after_a_reboot(node: UserModeNode) -> None:
    node.run("touch /run/lost; systemctl --no-block reboot")
    while node._ssh_answers():
        time.sleep(0.1)
    node.start()
    assert node.run("ls /run/lost 2>/dev/null; :") == ""


@with_its_kernel
def test_is_stopped_where_it_cannot_be_reached(node: UserModeNode) -> None:
    network.stop(node.lab)
    node.suspend()
    assert not node.is_running()
    network.start(node.lab)
    node.start()


@with_its_kernel
def test_is_an_empty_machine_again_once_it_is_reinstalled(node: UserModeNode) -> None:
    node.run("touch /etc/kept; sync")
    node.reinstall()
    assert node.run("ls /etc/kept 2>/dev/null; :") == ""


@with_its_kernel
def test_makes_its_disk_again_if_its_first_boot_was_interrupted(node: UserModeNode) -> None:
    node.run("touch /etc/kept; sync")
    node.kill()
    (node.lab.node(node.name) / "booted").unlink()
    node.start()
    assert node.run("ls /etc/kept 2>/dev/null; :") == ""


@with_its_kernel
def test_leaves_no_process_when_it_is_killed(node: UserModeNode) -> None:
    assert processes(node)
    node.kill()
    deadline = time.monotonic() + 10
    while processes(node) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(node) == []
    node.start()


def processes(node: Node) -> list[str]:
    """Returns the names of the processes in the node's directory: its kernel, and one for each of its programs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").samefile(node.lab.node(node.name)):
                found.append((process / "comm").read_text())
    return found


@pytest.mark.parametrize(
    ("file", "prepared", "kind"),
    [
        (None, True, UserModeNode),
        (None, False, Node),
        (disk.FILE, True, Node),
        ("disk.cow", False, UserModeNode),
    ],
)
def test_a_node_stays_what_it_is_and_a_new_one_is_what_is_prepared(
    file: str | None, prepared: bool, kind: type[Node], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, kernel = Lab(tmp_path), user_mode_linux.Kernel(tmp_path / "kernel")
    monkeypatch.setattr(user_mode_linux, "helps", lambda: True)
    monkeypatch.setattr(user_mode_linux, "kernel", lambda: kernel)
    if prepared:
        kernel.directory.mkdir()
    for worker in topology.WORKERS:
        lab.node(worker.name).mkdir(parents=True)
        if file:
            (lab.node(worker.name) / file).touch()
    assert {type(node) for node in verbs.nodes(lab)} == {kind}


def test_it_helps_only_without_kvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("development.lab.qemu.has_kvm", lambda: True)
    assert not user_mode_linux.helps()
