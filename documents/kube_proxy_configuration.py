"""A node's KubeProxyConfiguration: the guide's fields in the guide's order, then what the stack adds, by name.

By name, because the order in which a stack's file has its keys means nothing and must not restart a kube-proxy.
"""

from collections.abc import Mapping
from typing import Protocol

from documents import paths, yaml_text
from settings.kube_proxy_configuration import HEALTHZ_PORT, METRICS_PORT, Mode


class Worker(Protocol):
    """What a configuration needs to know of a node."""

    @property
    def name(self) -> str:
        """The Node object's name."""

    @property
    def address(self) -> str:
        """The node's IP address."""

    @property
    def configuration(self) -> Mapping[str, object]:
        """The fleet's fields with the node's own merged over them."""


class Pods(Protocol):
    """What a configuration needs to know of the cluster."""

    @property
    def cluster_cidr(self) -> str | None:
        """The pods' addresses."""


def document(node: Worker, cluster: Pods) -> Mapping[str, object]:
    """Return the configuration as it is before it becomes YAML. What the settings say wins over the guide's values."""
    given = {name: _by_name(node.configuration[name]) for name in sorted(node.configuration)}
    client_connection = given.pop("clientConnection", None)
    address = f"[{node.address}]" if ":" in node.address else node.address
    guide: dict[str, object] = {
        "kind": "KubeProxyConfiguration",
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "clientConnection": {
            "kubeconfig": paths.KUBECONFIG,
            **(client_connection if isinstance(client_connection, Mapping) else {}),
        },
        "bindAddress": node.address,
        "clusterCIDR": cluster.cluster_cidr,
        "healthzBindAddress": f"{address}:{HEALTHZ_PORT}",
        "hostnameOverride": node.name,
        "metricsBindAddress": f"{address}:{METRICS_PORT}",
        "mode": Mode.IPVS.value,
    }
    if cluster.cluster_cidr is None:
        del guide["clusterCIDR"]
    return {**guide, **given}


def render(node: Worker, cluster: Pods) -> str:
    """Return the configuration as YAML."""
    return yaml_text.dump(document(node, cluster))


def _by_name(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _by_name(value[name]) for name in sorted(value, key=str)}
    return value
