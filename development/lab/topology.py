"""The cluster's names and addresses. They are those of the guide that the project replaces."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

NETWORK = IPv4Network("192.168.99.0/24")
NETWORK_IPV6 = IPv6Network("fd00:99::/64")
GATEWAY = IPv4Address("192.168.99.2")
"""The nodes' default gateway: the lab's bridge. Not .1 and not .100, which the guide gives to others."""

LOAD_BALANCER = IPv4Address("192.168.99.100")
LOAD_BALANCER_PORT = 8443
API_SERVERS = tuple(IPv4Address(f"192.168.99.{last}") for last in (121, 122, 123))
API_SERVER_PORT = 6443
BRIDGE = (GATEWAY, LOAD_BALANCER, *API_SERVERS)
"""The addresses of the bridge; it has those of IPv6, too."""

SERVICE_RANGE = IPv4Network("10.0.0.0/16")
KUBERNETES_SERVICE = IPv4Address("10.0.0.1")
SERVICE_RANGE_IPV6 = IPv6Network("fd00:10::/108")
KUBERNETES_SERVICE_IPV6 = IPv6Address("fd00:10::1")
"""Kubernetes gives its own Service an address of the first range only; a test makes a Service with this one."""


@dataclass(frozen=True)
class Worker:
    """A node by its name (also its Node object's name) and its address in the cluster's network."""

    name: str
    address: IPv4Address


WORKERS = (
    Worker("k8s-node01", IPv4Address("192.168.99.101")),
    Worker("k8s-node02", IPv4Address("192.168.99.102")),
)


def client(worker: Worker) -> IPv4Address:
    """Return the bridge's address from which requests to a Service go through a node, as an outside client's do."""
    return worker.address + 100


def pods(worker: Worker) -> IPv4Network:
    """Return the addresses of a node's pods, a part of the clusterCIDR of Pulumi.dev.yaml."""
    return IPv4Network(f"172.30.{worker.address.packed[-1]}.0/24")


def pods_ipv6(worker: Worker) -> IPv6Network:
    """Return the IPv6 addresses of a node's pods."""
    return IPv6Network(f"fd00:172:30:{worker.address.packed[-1]:x}::/64")


def services_ipv6(worker: Worker) -> IPv6Network:
    """Return the Service addresses that requests from the lab's network reach through this node."""
    return IPv6Network(f"fd00:10::{worker.address.packed[-1]:x}00/120")


def ipv6(address: IPv4Address) -> IPv6Address:
    """Return the IPv6 address of whatever has this IPv4 address: 192.168.99.121 is fd00:99::121."""
    return NETWORK_IPV6.network_address + int(str(address.packed[-1]), 16)


def mac(address: IPv4Address) -> str:
    """Return the MAC address that goes with an address. It is fixed: a restored snapshot knows its neighbours by it."""
    return f"52:54:00:00:00:{address.packed[-1]:02x}"
