"""Labs side by side don't share loopback addresses."""

import socket
from ipaddress import IPv4Address
from pathlib import Path

from development.lab import loopback
from development.lab.loopback import Loopback
from development.paths import Lab


def test_a_cluster_address_keeps_its_last_number() -> None:
    assert Loopback("127.80.3").of(IPv4Address("192.168.99.121")) == "127.80.3.121"


def test_each_endpoint_leads_to_one_of_its_own_in_the_lab() -> None:
    endpoints = Loopback("127.80.3").endpoints()
    assert endpoints["127.80.3.100", 8443] == ("192.168.99.100", 8443)
    assert endpoints["127.80.3.102", 2222] == ("192.168.99.102", 22)
    assert len(set(endpoints.values())) == len(endpoints) == 6


def test_projects_in_different_directories_get_different_networks() -> None:
    assert loopback.candidate(Path("/a"), 0) != loopback.candidate(Path("/b"), 0)


def test_a_loopback_network_in_use_is_skipped_and_the_choice_is_stored(lab: Lab) -> None:
    taken, port = list(loopback.candidate(lab.project, 0).endpoints())[-1]
    with socket.create_server((taken, port)):
        chosen = loopback.choose(lab)
    assert chosen == loopback.candidate(lab.project, 1)
    assert loopback.choose(lab) == chosen
