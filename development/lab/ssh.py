"""SSH to the nodes: keys, the client's configuration, and the inventory for the dev stack.

The lab makes each node's host key and puts it into the node, so clients can pin it before the first connection.
"""

from contextlib import suppress
from pathlib import Path

import yaml

from development import commands
from development.errors import LabError
from development.lab import loopback, topology
from development.lab.loopback import SSH_PORT
from development.lab.topology import Worker
from development.paths import Lab

_SOCKET = ("-o", "ControlPath=%n")
"""Relative to the directory `ssh`: a Unix socket's name is limited to 107 bytes and a checkout's path is not."""


def client_key(lab: Lab) -> Path:
    """Return the private key that logs in to the nodes as root."""
    return lab.ssh / "id_ed25519"


def host_key(lab: Lab, worker: Worker) -> Path:
    """Return the private host key of a node."""
    return lab.node(worker.name) / "ssh_host_ed25519_key"


def public(key: Path) -> str:
    """Return the public key as `ssh-ed25519 AAAA…`, without a comment."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def prepare(lab: Lab) -> None:
    """Make the missing keys, and write all files that derive from them."""
    make_key(client_key(lab))
    for worker in topology.WORKERS:
        lab.node(worker.name).mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key(host_key(lab, worker))
    known = [f"{worker.name} {public(host_key(lab, worker))}\n" for worker in topology.WORKERS]
    (lab.ssh / "known_hosts").write_text("".join(known))
    lab.ssh_config.write_text("\n".join(_alias(lab, worker) for worker in topology.WORKERS))
    lab.nodes_file.write_text(_inventory(lab))


def make_key(path: Path) -> None:
    """Make an Ed25519 key pair, unless it is there."""
    if path.with_suffix(".pub").exists():
        return
    path.unlink(missing_ok=True)  # left by an interrupted ssh-keygen, which writes the public key last
    commands.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path])


def _alias(lab: Lab, worker: Worker) -> str:
    settings = {
        "HostName": loopback.choose(lab).of(worker.address),
        "Port": SSH_PORT,
        "User": "root",
        "IdentityFile": f'"{client_key(lab)}"',
        "IdentitiesOnly": "yes",
        "HostKeyAlias": worker.name,
        "UserKnownHostsFile": f'"{lab.ssh / "known_hosts"}"',
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": 10,
        "LogLevel": "ERROR",
    }
    return f"Host {worker.name}\n" + "".join(f"  {name} {value}\n" for name, value in settings.items())


def _inventory(lab: Lab) -> str:
    nodes = [
        {
            "name": worker.name,
            "address": str(worker.address),
            "hostKey": public(host_key(lab, worker)),
            "ssh": {"host": loopback.choose(lab).of(worker.address), "port": SSH_PORT},
        }
        for worker in topology.WORKERS
    ]
    return str(yaml.safe_dump(nodes, sort_keys=False))


def command(lab: Lab, name: str, *remote: str) -> list[str]:
    """Return the command that opens SSH to a node, for a shell or a remote command."""
    return ["ssh", "-F", str(lab.ssh_config), name, *remote]


def run(lab: Lab, name: str, command_line: str, stdin: bytes = b"", seconds: float = 120) -> str:
    """Run a command on a node and return its output.

    All commands share one connection, which the first one opens: a login costs an emulated node half a second.
    Raises LabError with the command's last line when it fails, and when it takes longer than `seconds`.
    """
    shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes", *_SOCKET]
    return commands.run(
        ["ssh", *shared, *command(lab, name, command_line)[1:]], stdin=stdin, directory=lab.ssh, seconds=seconds
    )


def disconnect(lab: Lab, name: str) -> None:
    """Close the shared connection to a node, if there is one: a node that stops or is restored doesn't know it."""
    if (lab.ssh / name).exists():
        with suppress(LabError):
            commands.run(["ssh", *_SOCKET, "-O", "exit", name], directory=lab.ssh)
