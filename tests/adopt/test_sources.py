"""The nodes to ask: Ansible's own program reads inventories; kubectl's list; the command line."""

import json
from pathlib import Path

import pytest

from commands.adopt.sources import Host, from_arguments, from_inventory, from_kubectl

INI = """\
[kube_master]
192.168.99.10

[kube_node]
worker[01:03].example.org
k8s-node04 ansible_host=10.1.2.4 ansible_port=2222 ansible_user=admin
k8s-node05 ansible_ssh_host=10.1.2.5

[workers:children]
kube_node
edge

[edge]
edge-a

[kube_node:vars]
ansible_ssh_private_key_file=~/.ssh/cluster
"""
YAML = """\
all:
  vars: {ansible_user: root}
  children:
    workers:
      hosts:
        k8s-node[1:2]:
        k8s-node3: {ansible_host: 10.1.2.3, ansible_private_key_file: keys/node3}
"""
KEY = "~/.ssh/cluster"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def inventory(text: str) -> Path:
    Path("hosts").write_text(text)
    return Path("hosts")


def test_ini_inventory_with_groups_and_ranges() -> None:
    assert from_inventory(inventory(INI), "workers") == [
        Host("worker01.example.org", "worker01.example.org", private_key_file=KEY),
        Host("worker02.example.org", "worker02.example.org", private_key_file=KEY),
        Host("worker03.example.org", "worker03.example.org", private_key_file=KEY),
        Host("k8s-node04", "10.1.2.4", 2222, "admin", KEY),
        Host("k8s-node05", "10.1.2.5", private_key_file=KEY),
        Host("edge-a", "edge-a"),
    ]


def test_yaml_inventory_with_variables_of_a_group(tmp_path: Path) -> None:
    assert from_inventory(inventory(YAML), "all") == [
        Host("k8s-node1", "k8s-node1", user="root"),
        Host("k8s-node2", "k8s-node2", user="root"),
        Host("k8s-node3", "10.1.2.3", user="root", private_key_file=str(tmp_path / "keys/node3")),
    ]


def test_group_without_hosts_is_an_error_that_names_the_groups() -> None:
    with pytest.raises(ValueError, match=r'hosts: group "nodes" must have hosts; groups of the inventory: .*kube_node'):
        from_inventory(inventory(INI), "nodes")


def test_inventory_that_ansible_cannot_read_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"ansible-inventory .*must succeed: (.|\n)*hosts"):
        from_inventory(inventory("[a:childs]\n"), "all")


def test_missing_ansible_is_an_error_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ValueError, match=r"needs Ansible's ansible-inventory: install it \(pip install ansible-core\)"):
        from_inventory(inventory(INI), "all")


def node(name: str, address: str | None, system: str = "linux") -> dict[str, object]:
    addresses = [{"type": "Hostname", "address": name}]
    addresses += [{"type": "InternalIP", "address": address}] if address else []
    labels = {"kubernetes.io/os": system}
    return {"metadata": {"name": name, "labels": labels}, "status": {"addresses": addresses}}


ITEMS = [node("k8s-node01", "192.168.99.101"), node("win", "192.168.99.9", "windows"), node("new", None)]
NODES = [Host("k8s-node01", "192.168.99.101", node_name="k8s-node01", address="192.168.99.101")]


def test_kubectls_list_is_read_from_a_file_or_kubectl_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nodes.json").write_text(json.dumps({"items": ITEMS}))
    assert from_kubectl("nodes.json") == NODES

    program = Path("kubectl")
    program.write_text('#!/bin/sh\n[ "$*" = "get nodes -o json" ] && cat nodes.json\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert from_kubectl("") == NODES


def test_port_that_is_none_is_an_error_that_names_the_host() -> None:
    with pytest.raises(ValueError, match="node1: ansible_port must be a port number, is 65536"):
        from_inventory(inventory("node1 ansible_port=65536\n"), "all")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "no JSON",
        '{"items": []}',
        '{"items": null}',
        '{"items": [{"status": {"addresses": null}}, {"status": {"addresses": [1]}}]}',
        "[" * 100000,
    ],
)
def test_list_without_nodes_is_an_error(text: str) -> None:
    Path("nodes.json").write_text(text)
    with pytest.raises(ValueError, match=r"nodes\.json: must"):
        from_kubectl("nodes.json")


def test_nodes_of_the_command_line() -> None:
    assert from_arguments(["a=10.1.2.3", "b=worker.example.org"]) == [
        Host("a", "10.1.2.3", node_name="a"),
        Host("b", "worker.example.org", node_name="b"),
    ]
    for wrong in ("a", "=10.1.2.3", "a="):
        with pytest.raises(ValueError, match=f'"{wrong}" must be NAME=ADDRESS'):
            from_arguments([wrong])
