"""IPv6 in the lab, whose virtual network carries IPv4 alone: each node has addresses of its own and the API servers', which
sockets lead to where they are; Kubernetes has a Service of both families beside its own.
"""

import json

import yaml

from development.lab import topology
from development.lab.node import Node
from tests.lab.cluster import Cluster

SERVICE = f"[{topology.KUBERNETES_SERVICE_IPV6}]:443"
BACKENDS = {str(server): f"fd00:99::{server.packed[-1]}" for server in topology.API_SERVERS}
NAME = "kubernetes-both"

# nft and iptables see a connection only where the kernel has a route for it (development/lab/node_image/customize.sh).
_ADD = """\
set -e
link=$(ip -o -4 address show to 192.168.99.0/24 | cut -d ' ' -f 2)
ip -6 address add $1/64 dev $link nodad
ip -6 route add default via fd00:99::2 dev $link
shift
for pair; do
    ip -6 address add ${pair#*=}/128 dev lo
    systemd-run -q --unit=ipv6-${pair%=*} --socket-property=ListenStream=[${pair#*=}]:6443 \
        /lib/systemd/systemd-socket-proxyd ${pair%=*}:6443
done
"""
_REMOVE = """\
systemctl stop 'ipv6-*.socket' 'ipv6-*.service'
ip -6 route flush default
for address in $(ip -o -6 address show to fd00:99::/64 | sed 's/.*inet6 \\([^ ]*\\).*/\\1/'); do
    ip -6 address delete $address dev $(ip -o -6 address show to $address | cut -d ' ' -f 2)
done
"""


def address(node: Node) -> str:
    """Returns the node's own address."""
    return f"fd00:99::{node.worker.address.packed[-1]}"


def add(cluster: Cluster) -> None:
    """Gives the nodes and the API what a dual-stack cluster has; Node objects have IPv4 first."""
    pairs = " ".join(f"{server}={backend}" for server, backend in BACKENDS.items())
    for node in cluster.nodes:
        node.run(f"sh -s {address(node)} {pairs}", stdin=_ADD.encode())
        _set_addresses(cluster, node, str(node.worker.address), address(node))
    (cluster.lab.state / "both.yaml").write_text(yaml.safe_dump_all(_objects()))
    cluster.kubectl("apply", "-f", str(cluster.lab.state / "both.yaml"))


def remove(cluster: Cluster) -> None:
    """Takes all of it away again."""
    cluster.kubectl("delete", "service", NAME)
    cluster.kubectl("delete", "endpointslice", "-l", f"kubernetes.io/service-name={NAME}")
    for node in cluster.nodes:
        _set_addresses(cluster, node, str(node.worker.address))
        node.run("sh", stdin=_REMOVE.encode())


def _set_addresses(cluster: Cluster, node: Node, *addresses: str) -> None:
    """What a kubelet would say of its node; kube-proxy takes the first of each family."""
    status = {"addresses": [{"type": "InternalIP", "address": address} for address in addresses]}
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", "node", node.name, "--subresource=status", "--type=merge", "-p", patch)


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
