"""A fleet of containers and its API server, in a world of its own. Nothing here is undone: the world ends."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from development import commands
from development.bench import measure
from development.bench.contenders import Job
from development.bench.preparation import LAB, node_root
from development.errors import LabError
from development.lab import ssh, topology
from development.lab.control_plane import programs

_API_SERVER, _API_ADDRESS = next(iter(programs.API_SERVERS.items()))
_API_URL = f"https://{_API_ADDRESS}:{topology.API_SERVER_PORT}"
_HOST_KEY = LAB.ssh / "ssh_host_ed25519_key"
_SCRIPT = Path(__file__).with_suffix(".sh")
_FIRST = topology.NETWORK.network_address + 141
"""Above the lab's addresses, and so with room for 114 nodes."""

_SECONDS = 300.0


class Containers:
    """Nodes with systemd, sshd and a real kube-proxy."""

    def __init__(self, count: int) -> None:
        """Start them, and wait until all answer. Raises LabError."""
        self._addresses = {f"n{number + 1:03}": str(_FIRST + number) for number in range(count)}
        for key in (ssh.client_key(LAB), _HOST_KEY):
            ssh.make_key(key)
        host_key = ssh.public(_HOST_KEY)
        nodes = [{"name": name, "address": it, "hostKey": host_key} for name, it in self._addresses.items()]
        self.job = Job(_API_URL, nodes, ssh.client_key(LAB))
        commands.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=90%", "tmpfs", "/run"])
        for line in ("link set lo up", "link add bench type bridge", "link set bench up"):
            commands.run(["ip", *line.split()])
        for address in (topology.GATEWAY, _API_ADDRESS):
            commands.run(["ip", "address", "add", f"{address}/{topology.NETWORK.prefixlen}", "dev", "bench"])
        self._start_control_plane()
        self._boot()
        _await("the API", lambda: _kubectl("get", "--raw=/readyz"))
        _kubectl("apply", "-f", "-", stdin=json.dumps(self._node_objects()))
        for node in self._addresses.values():
            _await(f"SSH on {node}", partial(_banner, node))

    def logins(self) -> int:
        """Count them in the nodes' logs."""
        logs = Path("/run/nodes").glob("*/own/var/log/sshd.log")
        return sum(log.read_text().count("Accepted publickey") for log in logs)

    def kube_proxies(self) -> Mapping[str, str]:
        """Return the process id of each running service, by the node's name."""
        groups = measure.NODES.glob("*/**/kube-proxy.service/cgroup.procs")
        return {group.relative_to(measure.NODES).parts[0]: group.read_text().strip() for group in groups}

    def _start_control_plane(self) -> None:
        (LAB.state / "etcd").mkdir(exist_ok=True)
        commands.run(["mount", "-t", "tmpfs", "tmpfs", LAB.state / "etcd"])
        for command in (programs.etcd(LAB), programs.api_server(LAB, _API_SERVER)):
            with (LAB.log / f"{Path(command[0]).name}.log").open("wb") as log:
                joined = [*measure.joining(measure.TOP / "control-plane"), *command]
                subprocess.Popen(joined, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _boot(self) -> None:
        nodes = [word for node in self._addresses.items() for word in node]
        own = (node_root(), LAB.bin / "kube-proxy", LAB.ssh, measure.NODES, str(topology.GATEWAY))
        commands.run(["sh", _SCRIPT, *own, *nodes], log=LAB.log / "containers.log", seconds=_SECONDS)

    def _node_objects(self) -> Mapping[str, object]:
        """Return what a kubelet would register: kube-proxy takes its node's address from there."""
        items = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                "status": {"addresses": [{"type": "InternalIP", "address": address}]},
            }
            for name, address in self._addresses.items()
        ]
        return {"apiVersion": "v1", "kind": "List", "items": items}


def _kubectl(*arguments: str, stdin: str = "") -> str:
    """Run kubectl as the administrator. Raises LabError if it fails."""
    server = [f"--server={_API_URL}", f"--certificate-authority={LAB.cert / 'ca.pem'}"]
    user = [f"--client-certificate={LAB.cert / 'admin.pem'}", f"--client-key={LAB.cert / 'admin-key.pem'}"]
    return commands.run([LAB.bin / "kubectl", *server, *user, *arguments], stdin=stdin.encode())


def _banner(address: str) -> bytes:
    with socket.create_connection((address, 22), timeout=2) as connection:
        return connection.recv(4)


def _await(what: str, answer: Callable[[], str | bytes]) -> None:
    """Wait until there is an answer."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            if answer():
                return
        except (LabError, OSError) as error:
            if time.monotonic() > deadline:
                raise LabError(f"{what} must be up within {_SECONDS:.0f} s: {error}; see {LAB.log}") from error
        time.sleep(0.2)
