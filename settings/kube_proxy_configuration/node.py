"""What a node's configuration must be beside the cluster and the other nodes; upstream sees one node and can't tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from settings.addresses import address_and_port, families, parsed_address
from settings.kube_proxy_configuration.check import Check
from settings.kube_proxy_configuration.values import NODE_PORT_KEYWORDS
from settings.kube_proxy_configuration.vocabularies import LocalMode
from settings.problems import Location, Problems

HEALTHZ_PORT: Final = 10256
METRICS_PORT: Final = 10249


@dataclass(frozen=True)
class Surroundings:
    """What a node's configuration has to fit; `owners` are the names of all nodes by their addresses."""

    name: str | None
    address: str | None
    cluster_cidr: str | None
    owners: Mapping[str, str]


def check(it: Check, node: Surroundings) -> None:
    """Report what doesn't fit the node, the others, or the cluster."""
    override = it.configuration.hostname_override
    if node.name is not None and override not in (None, node.name):
        # kube-proxy waits for ever for a Node of another name, and writes no rule.
        it.invalid("hostnameOverride", detail=f'must be the node\'s name "{node.name}": remove it')
    _check_ports(it)
    _check_owners(it, node)
    bind_address = it.configuration.bind_address
    # 0.0.0.0 and :: leave the address to the Node object, and have no family.
    if bind_address and node.cluster_cidr and not parsed_address(bind_address).is_unspecified:
        check_family(bind_address, it.origin(("bindAddress",)), node.cluster_cidr, it.problems)
    _check_node_port_families(it, node)
    by_cidr = it.configuration.detect_local_mode == LocalMode.CLUSTER_CIDR
    if by_cidr and node.cluster_cidr is None and not it.problems.at(("cluster", "clusterCIDR")):
        it.warn(
            "detectLocalMode",
            detail="works with cluster.clusterCIDR, which is not given: traffic from outside the cluster to a Service "
            "is not masqueraded, and its answers may be lost; give it, or another mode (e.g. NodeCIDR)",
        )


def _check_owners(it: Check, node: Surroundings) -> None:
    configuration = it.configuration
    for field, address in {
        "bindAddress": configuration.bind_address,
        "healthzBindAddress": configuration.healthz_bind_address,
        "metricsBindAddress": configuration.metrics_bind_address,
    }.items():
        if address is not None:
            ip = parsed_address(address) if field == "bindAddress" else address_and_port(address)[0]
            if str(ip) != node.address and (owner := node.owners.get(str(ip))):
                it.invalid(field, detail=f"must be this node's address, not that of {owner}: remove it")


def _check_ports(it: Check) -> None:
    given = {
        "metricsBindAddress": it.configuration.metrics_bind_address,
        "healthzBindAddress": it.configuration.healthz_bind_address,
    }
    ports = {"metricsBindAddress": METRICS_PORT, "healthzBindAddress": HEALTHZ_PORT}
    ports |= {name: address_and_port(address)[1] for name, address in given.items() if address is not None}
    metrics, healthz = ports.values()
    if healthz == metrics:
        name = next(name for name, address in given.items() if address is not None)
        it.invalid(
            name, detail=f"must have a port of its own: healthzBindAddress and metricsBindAddress both have {healthz}"
        )


def _check_node_port_families(it: Check, node: Surroundings) -> None:
    """Warn where NodePorts are limited in one family alone; upstream (server.go, checkBadConfig) only logs it."""
    blocks = it.configuration.node_port_addresses
    if not blocks or node.cluster_cidr is None or set(blocks) & set(NODE_PORT_KEYWORDS):
        return
    given = {ip_network(block, strict=False).version for block in blocks}
    for family in families(node.cluster_cidr):
        if family not in given:
            it.warn(
                "nodePortAddresses",
                detail=f"has no block of IPv{family}, so NodePorts answer at all of the node's IPv{family} addresses: "
                f"add one (e.g. {'fd00:99::/64' if family == 6 else '192.168.99.0/24'}), or write primary alone",
            )


def check_family(address: str, at: Location, cluster_cidr: str, problems: Problems) -> None:
    """Report an address of a family that the cluster's pods don't have: kube-proxy stops over it at its start."""
    known = families(cluster_cidr)
    if parsed_address(address).version not in known:
        problems.invalid(at, address, f"must be an IPv{known[0]} address, as cluster.clusterCIDR ({cluster_cidr}) is")
