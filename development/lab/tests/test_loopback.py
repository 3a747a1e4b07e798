"""Labs side by side never share an address."""

import socket
from ipaddress import IPv4Address
from pathlib import Path

from development.lab import loopback
from development.lab.loopback import Loopback
from development.paths import Lab


def test_a_cluster_address_keeps_its_last_number() -> None:
    assert Loopback("127.80.3").of(IPv4Address("192.168.99.121")) == "127.80.3.121"


def test_no_address_and_port_is_used_twice() -> None:
    endpoints = Loopback("127.80.3").endpoints()
    assert len(set(endpoints)) == len(endpoints) == 8


def test_projects_in_different_directories_get_different_networks() -> None:
    assert loopback.candidate(Path("/a"), 0) != loopback.candidate(Path("/b"), 0)


def test_a_network_in_use_is_passed_over_and_the_choice_is_remembered(lab: Lab) -> None:
    taken, port = loopback.candidate(lab.project, 0).endpoints()[-1]
    with socket.create_server((taken, port)):
        chosen = loopback.choose(lab)
    assert chosen == loopback.candidate(lab.project, 1)
    assert loopback.choose(lab) == chosen
