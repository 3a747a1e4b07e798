"""The lab's addresses on this machine, from which its port forwarder leads into its network.

All of 127.0.0.0/8 is loopback on Linux. Each lab takes a network 127.A.B.0/24 of its own, so any number of labs can run
side by side. The cluster address 192.168.99.N is reached at 127.A.B.N.
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
"""The nodes' SSH port on loopback: above 1024, so that it needs no privilege."""


@dataclass(frozen=True)
class Loopback:
    """A loopback network, by its first three numbers, as `127.80.3`."""

    prefix: str

    def of(self, address: IPv4Address) -> str:
        """Return the loopback address that stands for a cluster address."""
        return f"{self.prefix}.{address.packed[-1]}"

    def endpoints(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Return every address and port that the lab listens on, with the address and port inside that it leads to."""
        control_plane = [(topology.LOAD_BALANCER, topology.LOAD_BALANCER_PORT)]
        control_plane += [(server, topology.API_SERVER_PORT) for server in topology.API_SERVERS]
        return {
            **{(self.of(address), port): (str(address), port) for address, port in control_plane},
            **{(self.of(worker.address), SSH_PORT): (str(worker.address), 22) for worker in topology.WORKERS},
        }


def candidate(project: Path, attempt: int) -> Loopback:
    """Return a network from 127.64 to 127.191, derived from the project's path so that two labs rarely collide."""
    digest = hashlib.sha256(f"{project} {attempt}".encode()).digest()
    return Loopback(f"127.{64 + digest[0] % 128}.{digest[1]}")


def is_free(loopback: Loopback) -> bool:
    """Tell whether all of the network's endpoints are free."""
    for endpoint in loopback.endpoints():
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(endpoint)
            except OSError:
                return False
    return True


def choose(lab: Lab) -> Loopback:
    """Return the lab's loopback network: the one in `.lab/loopback`, or a free one, which is stored there."""
    remembered = lab.state / "loopback"
    if remembered.exists():
        return Loopback(remembered.read_text().strip())
    chosen = next(found for found in (candidate(lab.project, attempt) for attempt in count()) if is_free(found))
    remembered.write_text(f"{chosen.prefix}\n")
    return chosen
