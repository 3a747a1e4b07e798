"""A node's KubeProxyConfiguration: the guide's fields in the guide's order, then the stack's other fields.

Those are sorted by name: another order of the same keys in the stack's file must not restart kube-proxy.
"""

from collections.abc import Mapping

from documents import paths, yaml_writer
from settings import Cluster, NodeConfiguration


def document(node: NodeConfiguration, cluster: Cluster) -> Mapping[str, object]:
    """Return the configuration as data. A value of the stack replaces the guide's."""
    given = {name: _by_name(node.configuration[name]) for name in sorted(node.configuration)}
    client_connection = given.pop("clientConnection", None)
    guide: dict[str, object] = {
        "kind": "KubeProxyConfiguration",
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "clientConnection": {
            "kubeconfig": paths.KUBECONFIG,
            **(client_connection if isinstance(client_connection, Mapping) else {}),
        },
        "bindAddress": str(node.address),
        **({"clusterCIDR": str(cluster.cluster_cidr)} if cluster.cluster_cidr else {}),
        "healthzBindAddress": str(node.healthz),
        "hostnameOverride": node.name,
        "metricsBindAddress": str(node.metrics),
        "mode": node.kube_proxy.mode.value,
    }
    return {**guide, **given}


def render(node: NodeConfiguration, cluster: Cluster) -> str:
    """Return the configuration as YAML."""
    return yaml_writer.dump(document(node, cluster))


def _by_name(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _by_name(value[name]) for name in sorted(value, key=str)}
    return value
