"""Several nodes become one stack: what they share, what is a node's own, and what one stack can't express."""

from dataclasses import replace
from typing import Any

import pytest

from commands.adopt import stack
from commands.adopt.question import Asked
from commands.adopt.running import Running
from commands.adopt.sources import Host
from tests.adopt.machine import HOST_KEY


def running(number: int, host: Host | None = None, **given: Any) -> Running:
    """Node `k8s-node0<number>`, in which each key of `configuration` is a field in force."""
    address = f"192.168.99.10{number}"
    asked = Asked(host or Host(f"node{number}", address), "root", 22, HOST_KEY, True, {})
    node = Running(asked, f"k8s-node0{number}", address)
    node.configuration = {
        "mode": "ipvs",
        "hostnameOverride": node.name,
        "bindAddress": address,
        "healthzBindAddress": f"{address}:10256",
        "metricsBindAddress": f"{address}:10249",
        **given.pop("configuration", {}),
    }
    node.cluster = {"name": "kubernetes", "server": "https://192.168.99.100:8443", "clusterCIDR": "172.30.0.0/16"}
    node.authority, node.version, node.api_version, node.verbosity = "CA", "1.36.2", "1.36.3", 2
    return replace(node, **given)


def compose(*nodes: Running) -> dict[str, Any]:
    values = stack.compose(nodes, "prod-ca.pem", "~/.ssh/id_ed25519")
    assert stack.changed_fields(values, nodes) == [[] for _ in nodes]
    return values


def test_nodes_that_are_alike_have_nothing_of_their_own() -> None:
    values = compose(*(running(number, configuration={"oomScoreAdj": -998}) for number in (1, 2, 3)))
    assert values == {
        "cluster": {"server": "https://192.168.99.100:8443", "clusterCIDR": "172.30.0.0/16", "version": "1.36.3"},
        "certificateAuthority": {"certificateFile": "prod-ca.pem"},
        "ssh": {"privateKeyFile": "~/.ssh/id_ed25519"},
        "nodes": [
            {"name": f"k8s-node0{number}", "address": f"192.168.99.10{number}", "hostKey": HOST_KEY}
            for number in (1, 2, 3)
        ],
        "binary": {"version": "1.36.2"},
        "configuration": {"mode": "ipvs", "oomScoreAdj": -998},
    }


def test_most_nodes_value_is_the_fleets_and_others_are_the_nodes_own() -> None:
    values = compose(
        running(1, configuration={"ipvs": {"scheduler": "wrr", "strictARP": True}}),
        running(2, configuration={"ipvs": {"scheduler": "wrr"}}),
        running(3, configuration={"ipvs": {"scheduler": "sh"}, "nodePortAddresses": ["192.168.99.0/24"]}),
    )
    assert values["configuration"] == {"mode": "ipvs", "ipvs": {"scheduler": "wrr"}}
    assert [node.get("configuration") for node in values["nodes"]] == [
        {"ipvs": {"strictARP": True}},
        None,
        {"ipvs": {"scheduler": "sh"}, "nodePortAddresses": ["192.168.99.0/24"]},
    ]


def test_field_that_a_node_lacks_is_not_the_fleets_since_a_node_cannot_unset_it() -> None:
    values = compose(
        running(1, configuration={"oomScoreAdj": -1}), running(2, configuration={"oomScoreAdj": -1}), running(3)
    )
    assert values["configuration"] == {"mode": "ipvs"}


def test_value_that_a_stack_has_once_is_most_nodes_and_noted_for_the_others() -> None:
    other = {"name": "other", "server": "https://127.0.0.1:6443", "proxyURL": "http://192.168.99.10:3128"}
    nodes = [
        running(1),
        running(2),
        running(3, cluster=other, version="1.35.1", verbosity=4, authority="other CA", k8s_dir="/var/lib"),
    ]
    stack.compose(nodes, "prod-ca.pem", "key")
    assert (nodes[0].notes, nodes[1].notes) == ([], [])
    assert nodes[2].notes == [
        "cluster.name: is other there; the stack has kubernetes",
        "cluster.server: is https://127.0.0.1:6443 there; the stack has https://192.168.99.100:8443",
        "cluster.clusterCIDR: is the default there; the stack has 172.30.0.0/16",
        "cluster.proxyURL: is http://192.168.99.10:3128 there; the stack has the default",
        "service.k8sDir: is /var/lib there; the stack has the default",
        "service.verbosity: is 4 there; the stack has 2",
        "the CAs of its kubeconfig: are not those of most nodes, which the stack has",
        "binary.version: is 1.35.1 there; the stack has 1.36.2",
    ]


def test_what_the_stack_changes_is_shown() -> None:
    nodes = [running(1), running(2), running(3, cluster={"clusterCIDR": "172.16.0.0/16"})]
    values = stack.compose(nodes, "prod-ca.pem", "key")
    values["configuration"]["oomScoreAdj"] = -1
    assert stack.changed_fields(values, nodes) == [["oomScoreAdj"], ["oomScoreAdj"], ["clusterCIDR", "oomScoreAdj"]]


def test_logins_that_differ_are_the_nodes_own() -> None:
    nodes = [
        running(1, Host("a", "10.1.2.3", private_key_file="/keys/pool")),
        running(2, Host("b", "worker2.example.org", private_key_file="/keys/pool")),
        running(3),
    ]
    nodes[2].asked = replace(nodes[2].asked, port=2222)
    values = compose(*nodes)
    assert values["ssh"] == {"privateKeyFile": "/keys/pool"}
    assert [node["ssh"] for node in values["nodes"]] == [
        {"host": "10.1.2.3"},
        {"host": "worker2.example.org"},
        {"port": 2222, "privateKeyFile": "~/.ssh/id_ed25519"},
    ]


def test_digest_is_given_if_all_nodes_of_an_architecture_agree() -> None:
    a, b, c = ("a" * 64, "b" * 64, "c" * 64)
    nodes = [running(1, sha256={"amd64": a}), running(2, sha256={"amd64": a}), running(3, sha256={"arm64": b})]
    assert compose(*nodes)["binary"] == {"version": "1.36.2", "sha256": {"amd64": a, "arm64": b}}
    nodes[1].sha256 = {"amd64": c}
    assert compose(*nodes)["binary"] == {"version": "1.36.2", "sha256": {"arm64": b}}


def test_control_planes_version_is_the_apis_or_else_the_newest_kube_proxys() -> None:
    assert stack.control_plane_version([running(1), running(2, api_version="")]) == "1.36.3"
    nodes = [running(1, api_version="", version="1.36.10"), running(2, api_version="", version="1.36.9")]
    assert stack.control_plane_version(nodes) == "1.36.10"
    assert nodes[0].notes == nodes[1].notes != []


@pytest.mark.parametrize(
    ("address", "healthz"), [("fd00:99::101", "[fd00:99::101]:10256"), ("FD00:99::101", "[fd00:99:0::101]:10256")]
)
def test_listeners_that_follow_from_the_address_are_left_out_in_any_spelling(address: str, healthz: str) -> None:
    node = running(1, address=address)
    own = {"bindAddress": "fd00:99::101", "healthzBindAddress": healthz, "metricsBindAddress": "[::1]:10249"}
    node.configuration = {**node.configuration, **own}
    values = stack.compose([node], "prod-ca.pem", "key")
    assert values["configuration"] == {"mode": "ipvs", "metricsBindAddress": "[::1]:10249"}
