"""Who a node is, is known before the first connection."""

import stat
import subprocess

import yaml

from development.lab import ssh, topology
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


def test_keys_are_kept(lab: Lab) -> None:
    ssh.prepare(lab)
    before = lab.nodes_file.read_text()
    ssh.prepare(lab)
    assert lab.nodes_file.read_text() == before


def test_private_keys_are_their_owner_s_alone(lab: Lab) -> None:
    ssh.prepare(lab)
    for key in (ssh.client_key(lab), *(ssh.host_key(lab, worker) for worker in topology.WORKERS)):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(lab.state.stat().st_mode) == 0o700


def test_openssh_reads_the_configuration_as_meant(lab: Lab) -> None:
    ssh.prepare(lab)
    command = ["ssh", "-G", "-F", str(lab.ssh_config), "k8s-node01"]
    meant = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {"user root", "port 2222", "hostkeyalias k8s-node01", "stricthostkeychecking true"} <= set(meant)
    assert f"identityfile {ssh.client_key(lab)}" in meant
    assert f"userknownhostsfile {lab.ssh / 'known_hosts'}" in meant
