"""The lab's network: reachable from this machine's loopback only, and rebuilt when it is gone."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.errors import LabError
from development.lab import loopback, network, processes, topology
from development.lab.network import NETWORK, PORT_FORWARDER
from development.paths import Lab

ECHO = """
import socket
with socket.create_server(("192.168.99.100", 8443)) as server:
    while True:
        server.accept()[0].sendall(b"inside")
"""


@pytest.fixture
def up(lab: Lab) -> Iterator[Lab]:
    """A lab with a network, in which something answers at the load balancer's address."""
    network.start(lab)
    with subprocess.Popen(network.inside(lab, ["python3", "-c", ECHO])) as echo:
        subprocess.run(
            network.inside(lab, ["sh", "-c", "until ss -Hltn | grep -q :8443; do sleep 0.1; done"]),
            check=True,
            timeout=10,
        )
        yield lab
        echo.kill()
    network.stop(lab)


def answer(lab: Lab) -> bytes:
    address = loopback.choose(lab).of(topology.LOAD_BALANCER), topology.LOAD_BALANCER_PORT
    with socket.create_connection(address, timeout=10) as connection:
        return connection.recv(10)


def links(lab: Lab) -> set[str]:
    command = network.inside(lab, ["ip", "-brief", "link"])
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in shown.splitlines()}


def test_loopback_leads_to_the_address_inside(up: Lab) -> None:
    assert answer(up) == b"inside"


def test_it_has_a_bridge_and_a_tap_for_each_node_and_nothing_of_this_machine(up: Lab) -> None:
    assert links(up) == {"lo", "lab", "k8s-node01", "k8s-node02"}


def test_nothing_of_it_is_visible_outside(up: Lab) -> None:
    assert network.is_running(up)
    shown = subprocess.run(["ip", "-brief", "address"], capture_output=True, text=True, check=True).stdout
    assert "192.168.99." not in shown
    assert "k8s-node01" not in shown


def test_both_families_have_an_address_for_each_part_of_the_control_plane(up: Lab) -> None:
    command = network.inside(up, ["ip", "-brief", "address", "show", "dev", "lab"])
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for last in (2, 100, 121, 122, 123):
        assert {f"192.168.99.{last}/24", f"fd00:99::{last}/64"} <= set(shown)


def test_a_second_start_changes_nothing(up: Lab) -> None:
    before = [processes.find(up, name) for name in (NETWORK, PORT_FORWARDER)]
    network.start(up)
    assert [processes.find(up, name) for name in (NETWORK, PORT_FORWARDER)] == before


def test_a_port_forwarder_that_was_killed_is_started_again(up: Lab) -> None:
    processes.stop(up, PORT_FORWARDER, signal.SIGKILL)
    network.start(up)
    assert answer(up) == b"inside"


def test_a_network_whose_holder_was_killed_is_built_again(up: Lab) -> None:
    processes.stop(up, NETWORK, signal.SIGKILL)
    assert not network.is_running(up)
    network.stop(up)  # the port forwarder is in the old one
    network.start(up)
    assert links(up) == {"lo", "lab", "k8s-node01", "k8s-node02"}


def test_two_labs_have_the_same_addresses_side_by_side(up: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    other.create()
    network.start(other)
    try:
        assert links(other) == links(up)
        assert answer(up) == b"inside"
        assert answer(other) == b""
    finally:
        network.stop(other)


def test_without_it_no_program_enters(lab: Lab) -> None:
    with pytest.raises(LabError, match="network must be up: run `make start`"):
        network.inside(lab, ["true"])


def test_a_setup_that_fails_names_what_it_needs_and_its_log(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "mac", lambda _: "nonsense")
    with pytest.raises(LabError, match="user namespaces must be allowed") as failed:
        network.start(lab)
    assert failed.value.log
    assert "nonsense" in failed.value.log.read_text()


def test_a_port_that_is_taken_is_named(lab: Lab) -> None:
    host, port = next(iter(loopback.choose(lab).endpoints()))
    with socket.create_server((host, port)), pytest.raises(LabError, match=f"{host}:{port} must be free"):
        network.start(lab)
    network.stop(lab)
