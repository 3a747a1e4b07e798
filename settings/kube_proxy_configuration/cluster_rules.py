"""Rules that need the cluster and the other nodes, which a kube-proxy can't check for itself."""

from settings.addresses import CIDR
from settings.kube_proxy_configuration.enums import LocalMode
from settings.kube_proxy_configuration.node_check import NodeCheck
from settings.kube_proxy_configuration.node_configuration import HEALTHZ_PORT, METRICS_PORT
from settings.kube_proxy_configuration.values import NODE_PORT_KEYWORDS


def check_cluster_rules(check: NodeCheck) -> None:
    """Report what doesn't fit the node, the other nodes or the cluster."""
    for rule in (_hostname, _ports, _owners, _families, _node_port_families, _local_mode):
        rule(check)


def _hostname(check: NodeCheck) -> None:
    name, override = check.node.name, check.configuration.hostname_override
    if name is not None and override not in (None, name):
        # kube-proxy waits forever for a Node of another name, and writes no rules.
        check.invalid("hostnameOverride", detail=f'must be the node\'s name "{name}": remove it')


def _ports(check: NodeCheck) -> None:
    metrics, healthz = check.configuration.metrics_bind_address, check.configuration.healthz_bind_address
    port = healthz.port if healthz else HEALTHZ_PORT
    if port == (metrics.port if metrics else METRICS_PORT):
        must = f"must have a different port: healthzBindAddress and metricsBindAddress both have {port}"
        check.invalid("metricsBindAddress" if metrics else "healthzBindAddress", detail=must)


def _owners(check: NodeCheck) -> None:
    configuration = check.configuration
    for field, address in {
        "bindAddress": configuration.bind_address,
        "healthzBindAddress": configuration.healthz_bind_address,
        "metricsBindAddress": configuration.metrics_bind_address,
    }.items():
        owner = check.fleet.owners.get(address.ip) if address else None
        if address and owner and address.ip != (check.node.address and check.node.address.ip):
            check.invalid(field, detail=f"must be this node's address, not that of {owner}: remove it")


def _families(check: NodeCheck) -> None:
    """kube-proxy doesn't start with an address of a family that the pods don't have."""
    cidr, bind_address = check.fleet.cluster_cidr, check.configuration.bind_address
    for address, at in ((check.node.address, (*check.at, "address")), (bind_address, check.origin("bindAddress"))):
        # With 0.0.0.0 and :: kube-proxy uses the Node object's address, so they have no family.
        if cidr and address and not address.ip.is_unspecified and address.ip.version not in cidr.versions:
            must = f"must be an IPv{cidr.versions[0]} address, as cluster.clusterCIDR ({cidr}) is"
            check.problems.invalid(at, address, must)


def _node_port_families(check: NodeCheck) -> None:
    """Warn if NodePorts are limited in only one family; upstream (server.go, checkBadConfig) only logs it."""
    blocks, cidr = check.configuration.node_port_addresses, check.fleet.cluster_cidr
    if not blocks or cidr is None or set(blocks) & set(NODE_PORT_KEYWORDS):
        return
    given = {block.network.version for block in blocks if isinstance(block, CIDR)}
    for family in cidr.versions:
        if family not in given:
            check.warn(
                "nodePortAddresses",
                detail=f"has no IPv{family} block, so NodePorts answer on all of the node's IPv{family} addresses: "
                f"add one (e.g. {'fd00:99::/64' if family == 6 else '192.168.99.0/24'}), or write only primary",
            )


def _local_mode(check: NodeCheck) -> None:
    by_cidr = check.configuration.detect_local_mode == LocalMode.CLUSTER_CIDR
    if by_cidr and check.fleet.cluster_cidr is None and not check.problems.at(("cluster", "clusterCIDR")):
        check.warn(
            "detectLocalMode",
            detail="needs cluster.clusterCIDR, which is unset: traffic from outside the cluster to a Service is not "
            "masqueraded, and replies may be lost; set it, or use another mode (e.g. NodeCIDR)",
        )
