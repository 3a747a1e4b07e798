"""The lab's network: a network namespace of its own, with a bridge and a tap device for each node.

The control plane has its real addresses on the bridge, in both IP families, and nodes reach each other. Nothing of it
is visible outside the namespace. It needs no privilege: it belongs to a user namespace of the user's, see
user_namespaces(7). A process that sleeps holds it; every other program enters it when it starts.

The way in is a port forwarder on loopback. haproxy inherits listening sockets that were opened outside the namespace
and connects to their targets inside.
"""

import os
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from development.errors import LabError
from development.lab import loopback, processes, topology
from development.paths import Lab

NETWORK = "network"
PORT_FORWARDER = "port-forwarder"

# A node that forwards a request may tell the client a shorter way: past the node. Ports below 58000 are for clients
# that choose theirs (tests/lab/probe.py).
_SET_UP_AND_HOLD = """
ip -batch "$1" &&
    echo 58000 65535 >/proc/sys/net/ipv4/ip_local_port_range &&
    echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects &&
    echo 0 >/proc/sys/net/ipv4/conf/lab/accept_redirects &&
    exec sleep infinity
"""
_READY_SECONDS = 10.0
_POLL_SECONDS = 0.01
_FORWARDER_DEFAULTS = """\
defaults
  mode tcp
  retries 0
  timeout connect 2s
  timeout client 1d
  timeout server 1d
  # A node whose power is cut sends no reset: its connections end after eight seconds.
  option srvtcpka
  srvtcpka-idle 2s
  srvtcpka-intvl 2s
  srvtcpka-cnt 3
  default-server tcp-ut 8s
"""


def start(lab: Lab) -> None:
    """Create the namespace and forward ports to it, unless that is done already.

    Raises LabError when the kernel refuses the namespace or one of its devices, and when a port is taken.
    """
    if not processes.find(lab, NETWORK):
        file = lab.state / "network.batch"
        file.write_text("".join(f"{command}\n" for command in setup_commands()))
        hold = ["/bin/sh", "-c", _SET_UP_AND_HOLD, "sh", str(file)]
        processes.start(lab, NETWORK, ["unshare", "--user", "--map-root-user", "--net", *hold])
    _await_setup(lab)
    if not processes.find(lab, PORT_FORWARDER):
        _start_forwarder(lab)


def stop(lab: Lab) -> None:
    """Stop forwarding and leave the namespace, which ends with the last program in it."""
    processes.stop(lab, PORT_FORWARDER)
    processes.stop(lab, NETWORK)


def is_running(lab: Lab) -> bool:
    """Tell whether programs can enter the namespace."""
    return processes.find(lab, NETWORK) is not None


def inside(lab: Lab, command: Sequence[str | Path]) -> list[str | Path]:
    """Return the command that runs a command in the namespace. Raises LabError when there is no namespace."""
    return ["nsenter", f"--target={_holder(lab)}", "--user", "--net", "--preserve-credentials", "--", *command]


def namespace(lab: Lab) -> Path:
    """Return the namespace, for root to enter. Raises LabError when there is none."""
    return Path(f"/proc/{_holder(lab)}/ns/net")


def _holder(lab: Lab) -> int:
    holder = processes.find(lab, NETWORK)
    if not holder:
        raise LabError("the lab's network must be up: run `make start`", processes.log_file(lab, NETWORK))
    return holder.pid


def setup_commands() -> list[str]:
    """Return the commands for ip-batch that set up a new network namespace."""
    commands = [
        "link set lo up",
        # Without a querier a snooping bridge would stop forwarding IPv6's neighbour discovery after some minutes.
        f"link add lab address {topology.mac(topology.GATEWAY)} type bridge mcast_snooping 0",
        "link set lab up",
    ]
    for address in topology.BRIDGE:
        commands += [
            f"address add {address}/{topology.NETWORK.prefixlen} dev lab",
            f"address add {topology.ipv6(address)}/{topology.NETWORK_IPV6.prefixlen} dev lab nodad",
        ]
    for worker in topology.WORKERS:
        client, table = topology.client(worker), worker.address.packed[-1]
        commands += [
            f"tuntap add {worker.name} mode tap",
            f"link set {worker.name} master lab up",
            f"address add {client}/32 dev lab",
            f"route add {topology.SERVICE_RANGE} via {worker.address} table {table}",
            f"rule add from {client} to {topology.SERVICE_RANGE} lookup {table}",
            f"route add {topology.pods(worker)} via {worker.address}",
            f"route add {topology.pods_ipv6(worker)} via {topology.ipv6(worker.address)}",
            f"route add {topology.services_ipv6(worker)} via {topology.ipv6(worker.address)}",
        ]
    return commands


def _await_setup(lab: Lab) -> None:
    """Wait until the holder sleeps: its last step is to become `sleep`."""
    log, deadline = processes.log_file(lab, NETWORK), time.monotonic() + _READY_SECONDS
    while holder := processes.find(lab, NETWORK):
        if _program(holder.pid) == "sleep":
            return
        if time.monotonic() > deadline:
            raise LabError(f"the lab's network must be up within {_READY_SECONDS:.0f} s", log)
        time.sleep(_POLL_SECONDS)
    raise LabError(
        "the lab needs a network namespace with tap devices: user namespaces must be allowed, /dev/net/tun writable",
        log,
    )


def _program(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has just ended


def _start_forwarder(lab: Lab) -> None:
    with ExitStack() as listeners:
        forwards = {
            _listen(listeners, endpoint): target for endpoint, target in loopback.choose(lab).endpoints().items()
        }
        file = lab.state / "port-forwarder.cfg"
        file.write_text(forwarder_configuration(forwards))
        command = inside(lab, ["haproxy", "-db", "-f", file])
        processes.start(lab, PORT_FORWARDER, command, descriptors=list(forwards))


def _listen(listeners: ExitStack, endpoint: tuple[str, int]) -> int:
    try:
        return listeners.enter_context(socket.create_server(endpoint)).fileno()
    except OSError as error:
        host, port = endpoint
        raise LabError(f"{host}:{port} must be free for the lab: {os.strerror(error.errno or 0)}") from error


def forwarder_configuration(forwards: dict[int, tuple[str, int]]) -> str:
    """Return haproxy's configuration: from each inherited socket to its target in the lab.

    An API server listens on its IPv4 address only; its IPv6 address leads there, within the lab.
    """
    binds = {f"fd@{descriptor}": target for descriptor, target in forwards.items()}
    for server in topology.API_SERVERS:
        binds[f"[{topology.ipv6(server)}]:{topology.API_SERVER_PORT}"] = (str(server), topology.API_SERVER_PORT)
    sections = (
        f"listen {number}\n  bind {bind}\n  server target {host}:{port}\n"
        for number, (bind, (host, port)) in enumerate(binds.items())
    )
    return _FORWARDER_DEFAULTS + "".join(sections)
