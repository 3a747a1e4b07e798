"""A node's KubeProxyConfiguration: the fields that the stack sets, and the typed configuration with every default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from settings.addresses import Address, Listener, host_and_port
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.merge import merge
from settings.problems import Problems
from settings.section import read_section
from settings.stack import NodeSection

HEALTHZ_PORT: Final = 10256
METRICS_PORT: Final = 10249


@dataclass(frozen=True)
class NodeConfiguration:
    """A node and its KubeProxyConfiguration.

    `configuration` has only the fields that the stack sets, the node's over the fleet's; documents/ renders it.
    `kube_proxy` is the same configuration, typed and with every default.
    """

    name: str
    address: Address
    configuration: Mapping[str, object]
    kube_proxy: KubeProxyConfiguration

    @property
    def healthz(self) -> Listener:
        """Where /healthz and /livez listen."""
        return self.kube_proxy.healthz_bind_address or Listener(host_and_port(self.address, HEALTHZ_PORT))

    @property
    def metrics(self) -> Listener:
        """Where /metrics and /proxyMode listen."""
        return self.kube_proxy.metrics_bind_address or Listener(host_and_port(self.address, METRICS_PORT))


def configure(node: NodeSection, fleet: Mapping[str, object]) -> NodeConfiguration:
    """Return a node with its own `configuration` over the fleet's. Invalid values are missing in the typed one."""
    merged = merge(fleet, node.configuration)
    typed = read_section(KubeProxyConfiguration, merged, Problems())
    return NodeConfiguration(node.name, node.address, merged, typed)
