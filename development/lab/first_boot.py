"""The files that differ from node to node. A node unpacks them at its first boot (node_image/customize.sh)."""

import io
import tarfile
from pathlib import Path

from development.lab import ssh, topology
from development.lab.topology import Worker
from development.paths import Lab

INTERFACE = "enp0s1"
"""The name that udev gives to the first PCI device."""


def archive(lab: Lab, worker: Worker, modules: Path | None = None) -> bytes:
    """Return the tar archive of the node's addresses, names and SSH keys.

    It also has the modules in `modules`, for a kernel that isn't the image's.
    """
    files = {
        f"etc/systemd/network/{INTERFACE}.network": (0o644, network(worker).encode()),
        # As Debian's installer writes it. sudo asks for the node's own name, and would wait 20 seconds for a resolver.
        "etc/hosts": (0o644, f"127.0.0.1\tlocalhost\n127.0.1.1\t{worker.name}\n".encode()),
        "etc/ssh/ssh_host_ed25519_key": (0o600, ssh.host_key(lab, worker).read_bytes()),
        "root/.ssh/authorized_keys": (0o600, ssh.client_key(lab).with_suffix(".pub").read_bytes()),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        directory = tarfile.TarInfo("root/.ssh")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(directory)
        for name, (mode, content) in files.items():
            file = tarfile.TarInfo(name)
            file.mode, file.size = mode, len(content)
            tar.addfile(file, io.BytesIO(content))
        if modules:
            tar.add(modules / "lib/modules", "usr/lib/modules", filter=_as_roots)
    return packed.getvalue()


def _as_roots(file: tarfile.TarInfo) -> tarfile.TarInfo:
    file.uid = file.gid = 0
    file.uname = file.gname = ""
    return file


def network(worker: Worker) -> str:
    """Return the node's file for systemd-networkd, with its addresses of both IP families."""
    address, gateway = worker.address, topology.GATEWAY
    return (
        f"[Match]\nName={INTERFACE}\n\n[Network]\n"
        f"Address={address}/{topology.NETWORK.prefixlen}\nGateway={gateway}\n"
        f"Address={topology.ipv6(address)}/{topology.NETWORK_IPV6.prefixlen}\nGateway={topology.ipv6(gateway)}\n"
        # No router advertises itself; networkd would wait 12 seconds for one.
        "IPv6AcceptRA=no\n"
    )
