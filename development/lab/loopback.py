"""The lab's addresses on this machine.

All of 127.0.0.0/8 is loopback on Linux, so each lab takes a network 127.A.B.0/24 of its own, and a cluster address
192.168.99.N is served at 127.A.B.N with its true port. An API server which publishes the port that it listens on needs
exactly that, and any number of labs can run side by side.
"""

import hashlib
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

from development.lab import topology
from development.paths import Lab

SSH_PORT = 2222
"""The nodes' SSH port as seen from this machine: above 1024, so that it needs no privilege."""

ETCD_PORT = 2379
ETCD_PEER_PORT = 2380


@dataclass(frozen=True)
class Loopback:
    """A loopback network, by its first three numbers, as `127.80.3`."""

    prefix: str

    def of(self, address: IPv4Address) -> str:
        """Return the loopback address which stands for a cluster address."""
        return f"{self.prefix}.{address.packed[-1]}"

    @property
    def etcd(self) -> str:
        """Return etcd's address: it has none in the cluster's network."""
        return f"{self.prefix}.1"

    def endpoints(self) -> list[tuple[str, int]]:
        """Return every address and port that the lab listens on."""
        return [
            (self.etcd, ETCD_PORT),
            (self.etcd, ETCD_PEER_PORT),
            (self.of(topology.LOAD_BALANCER), topology.LOAD_BALANCER_PORT),
            *((self.of(server), topology.API_SERVER_PORT) for server in topology.API_SERVERS),
            *((self.of(worker.address), SSH_PORT) for worker in topology.WORKERS),
        ]


def candidate(project: Path, attempt: int) -> Loopback:
    """Return a network for a project: derived from its path, so that labs seldom meet. Between 127.64 and 127.191."""
    digest = hashlib.sha256(f"{project} {attempt}".encode()).digest()
    return Loopback(f"127.{64 + digest[0] % 128}.{digest[1]}")


def is_free(loopback: Loopback) -> bool:
    """Tell whether nobody listens on any of the network's endpoints."""
    for endpoint in loopback.endpoints():
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(endpoint)
            except OSError:
                return False
    return True


def choose(lab: Lab) -> Loopback:
    """Return the lab's network: the one chosen before, or a free one, which is remembered in `.lab/loopback`."""
    remembered = lab.state / "loopback"
    if remembered.exists():
        return Loopback(remembered.read_text().strip())
    chosen = next(found for found in (candidate(lab.project, attempt) for attempt in count()) if is_free(found))
    remembered.write_text(f"{chosen.prefix}\n")
    return chosen
