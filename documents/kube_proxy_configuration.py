"""A node's KubeProxyConfiguration: the guide's fields in the guide's order, then what the stack adds, by name.

By name, because the order in which a stack's file has its keys means nothing and must not restart a kube-proxy.
"""

from collections.abc import Mapping

from documents import paths, yaml_text
from settings import Cluster, NodeConfiguration


def document(node: NodeConfiguration, cluster: Cluster) -> Mapping[str, object]:
    """Return the configuration as it is before it becomes YAML. What the settings say wins over the guide's values."""
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
    return yaml_text.dump(document(node, cluster))


def _by_name(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _by_name(value[name]) for name in sorted(value, key=str)}
    return value
