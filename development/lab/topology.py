"""The cluster as its nodes see it: names and addresses are those of the guide that the project replaces."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

NETWORK = IPv4Network("192.168.99.0/24")
GATEWAY = IPv4Address("192.168.99.2")
"""Where a node sees the machine that it runs on. Not .1 and not .100, which the guide gives to others."""

LOAD_BALANCER = IPv4Address("192.168.99.100")
LOAD_BALANCER_PORT = 8443
API_SERVERS = tuple(IPv4Address(f"192.168.99.{last}") for last in (121, 122, 123))
API_SERVER_PORT = 6443

SERVICE_RANGE = IPv4Network("10.0.0.0/16")
KUBERNETES_SERVICE = IPv4Address("10.0.0.1")
SERVICE_RANGE_IPV6 = IPv6Network("fd00:10::/108")
KUBERNETES_SERVICE_IPV6 = IPv6Address("fd00:10::1")
"""Kubernetes itself gives its Service the first range's address only; this one is for whoever makes another."""


@dataclass(frozen=True)
class Worker:
    """A node by its name (also its Node object's name) and its address in the cluster's network."""

    name: str
    address: IPv4Address


WORKERS = (
    Worker("k8s-node01", IPv4Address("192.168.99.101")),
    Worker("k8s-node02", IPv4Address("192.168.99.102")),
)
