"""Check the fleet's `configuration`, and each node's own over it."""

from collections.abc import Sequence

from settings.kube_proxy_configuration.cluster_rules import check_cluster_rules
from settings.kube_proxy_configuration.feature_gates import check_gates
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.node_check import Fleet, NodeCheck
from settings.kube_proxy_configuration.node_configuration import NodeConfiguration, configure
from settings.kube_proxy_configuration.rules import check_rules
from settings.kube_proxy_configuration.version_rules import check_version_rules
from settings.problems import Location, Problems
from settings.section import read_section
from settings.stack import NodeSection


def check_configuration(
    fleet: Fleet, nodes: Sequence[NodeSection], at: Location, problems: Problems
) -> list[NodeConfiguration]:
    """Return the nodes' configurations, and report each problem where the value was written.

    `at` is the location of the list of nodes. If it is empty, the fleet's configuration is checked like a node's.
    """
    read_section(KubeProxyConfiguration, fleet.configuration, problems, ("configuration",))
    checked = [_check_node(node, (*at, index), fleet, problems) for index, node in enumerate(nodes or [NodeSection()])]
    return checked if nodes else []


def _check_node(node: NodeSection, at: Location, fleet: Fleet, problems: Problems) -> NodeConfiguration:
    read_section(KubeProxyConfiguration, node.configuration, problems, (*at, "configuration"))
    configured = configure(node, fleet.configuration)
    node_check = NodeCheck(configured, at, node.configuration, fleet, problems)
    check_rules(node_check)
    if fleet.minor is not None:
        check_gates(node_check, fleet.minor)
        check_version_rules(node_check, fleet.minor)
    check_cluster_rules(node_check)
    return configured
