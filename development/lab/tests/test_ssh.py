"""Clients know each node's host key before the first connection, and the lab's own commands share one."""

import stat
import subprocess
from pathlib import Path

import yaml

from development.lab import ssh, topology
from development.lab.tests.conftest import program
from development.paths import Lab


def test_the_inventory_pins_the_key_that_the_node_gets(lab: Lab) -> None:
    ssh.prepare(lab)
    for worker, node in zip(topology.WORKERS, yaml.safe_load(lab.nodes_file.read_text()), strict=True):
        private = subprocess.run(
            ["ssh-keygen", "-y", "-f", ssh.host_key(lab, worker)], capture_output=True, text=True, check=True
        )
        assert node["name"] == worker.name
        assert node["address"] == str(worker.address)
        assert node["hostKey"] == private.stdout.strip()
        assert f"{worker.name} {node['hostKey']}\n" in (lab.ssh / "known_hosts").read_text()


def test_a_second_prepare_keeps_the_keys(lab: Lab) -> None:
    ssh.prepare(lab)
    before = lab.nodes_file.read_text()
    ssh.prepare(lab)
    assert lab.nodes_file.read_text() == before


def test_only_the_owner_can_read_private_keys(lab: Lab) -> None:
    ssh.prepare(lab)
    for key in (ssh.client_key(lab), *(ssh.host_key(lab, worker) for worker in topology.WORKERS)):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(lab.state.stat().st_mode) == 0o700


def test_openssh_accepts_the_client_configuration(lab: Lab) -> None:
    ssh.prepare(lab)
    command = ["ssh", "-G", "-F", str(lab.ssh_config), "k8s-node01"]
    settings = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"user root", "port 2222", "hostkeyalias k8s-node01", "stricthostkeychecking true"} <= set(settings)
    assert f"identityfile {ssh.client_key(lab)}" in settings
    assert f"userknownhostsfile {lab.ssh / 'known_hosts'}" in settings


def test_commands_share_a_connection_until_it_is_closed(lab: Lab, tools: Path) -> None:
    program(tools / "ssh", f"printf '%s\\n' \"$PWD $*\" >>{tools}/log")
    ssh.run(lab, "k8s-node01", "true")
    ssh.disconnect(lab, "k8s-node01")
    (lab.ssh / "k8s-node01").touch()
    ssh.disconnect(lab, "k8s-node01")
    shared = f"-F {lab.ssh_config} k8s-node01 true"
    assert (tools / "log").read_text().splitlines() == [
        f"{lab.ssh} -o ControlMaster=auto -o ControlPersist=yes -o ControlPath=%n {shared}",
        f"{lab.ssh} -o ControlPath=%n -O exit k8s-node01",
    ]
