"""A Service of both IP families, whose first address is of IPv6: Kubernetes' own Service has IPv4 only."""

import yaml

from development.lab import topology
from development.lab.node import Node
from tests.lab.cluster import Cluster

SERVICE = f"[{topology.KUBERNETES_SERVICE_IPV6}]:443"
BACKENDS = {str(server): str(topology.ipv6(server)) for server in topology.API_SERVERS}
NAME = "kubernetes-both"


def address(node: Node) -> str:
    """Returns the node's own address."""
    return str(topology.ipv6(node.worker.address))


def add(cluster: Cluster) -> None:
    """Creates the Service and its EndpointSlices."""
    (cluster.lab.state / "both.yaml").write_text(yaml.safe_dump_all(_objects()))
    cluster.kubectl("apply", "-f", str(cluster.lab.state / "both.yaml"))


def remove(cluster: Cluster) -> None:
    """Deletes them, and waits until no node has the Service's virtual server."""
    cluster.kubectl("delete", "service", NAME)
    cluster.kubectl("delete", "endpointslice", "-l", f"kubernetes.io/service-name={NAME}")
    for node in cluster.nodes:
        node.run(f"while ipvsadm -ln | grep -qF '{SERVICE}'; do sleep 0.5; done")


def _objects() -> list[dict[str, object]]:
    metadata = {"name": NAME, "namespace": "default"}
    spec = {
        "clusterIP": str(topology.KUBERNETES_SERVICE_IPV6),
        "ipFamilyPolicy": "RequireDualStack",
        "ipFamilies": ["IPv6", "IPv4"],
        "ports": [{"name": "https", "port": 443, "targetPort": 6443}],
    }
    families = {"IPv4": list(BACKENDS), "IPv6": list(BACKENDS.values())}
    service: dict[str, object] = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    slices: list[dict[str, object]] = [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{NAME}-{family.lower()}",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": NAME},
            },
            "addressType": family,
            "endpoints": [{"addresses": [address]} for address in addresses],
            "ports": [{"name": "https", "port": 6443}],
        }
        for family, addresses in families.items()
    ]
    return [service, *slices]
