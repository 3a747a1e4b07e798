"""What a node gets at its first boot."""

import io
import tarfile
from pathlib import Path

from development.lab import first_boot, ssh, topology
from development.paths import Lab

NETWORK = """\
[Match]
Name=enp0s1

[Network]
Address=192.168.99.101/24
Gateway=192.168.99.2
Address=fd00:99::101/64
Gateway=fd00:99::2
IPv6AcceptRA=no
"""


def test_the_archive_has_the_nodes_addresses_and_name_and_its_keys_are_readable_by_root_only(tmp_path: Path) -> None:
    lab, worker = Lab(tmp_path), topology.WORKERS[0]
    lab.create()
    ssh.prepare(lab)
    with tarfile.open(fileobj=io.BytesIO(first_boot.archive(lab, worker))) as archive:
        modes = {member.name: f"{member.mode:o} {member.uid}:{member.gid}" for member in archive}
        network = archive.extractfile("etc/systemd/network/enp0s1.network")
        assert network
        assert network.read().decode() == NETWORK
        hosts = archive.extractfile("etc/hosts")
        assert hosts
        assert hosts.read().split()[-1].decode() == worker.name
    assert modes == {
        "root/.ssh": "700 0:0",
        "root/.ssh/authorized_keys": "600 0:0",
        "etc/hosts": "644 0:0",
        "etc/ssh/ssh_host_ed25519_key": "600 0:0",
        "etc/systemd/network/enp0s1.network": "644 0:0",
    }
