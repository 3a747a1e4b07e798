"""Check the fleet's `configuration`, and each node's own over it."""

from collections.abc import Sequence
from dataclasses import replace

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
    sections = nodes or [NodeSection()]
    without_own = configure(NodeSection(), fleet.configuration)
    if not all(node.configuration for node in sections):
        _check_alone(NodeCheck(without_own, at, {}, fleet, problems))
    checked = [_check_node(node, (*at, index), without_own, fleet, problems) for index, node in enumerate(sections)]
    return checked if nodes else []


def _check_node(
    node: NodeSection, at: Location, without_own: NodeConfiguration, fleet: Fleet, problems: Problems
) -> NodeConfiguration:
    if node.configuration:
        read_section(KubeProxyConfiguration, node.configuration, problems, (*at, "configuration"))
        configured = configure(node, fleet.configuration)
    else:
        configured = replace(without_own, name=node.name, address=node.address)
    node_check = NodeCheck(configured, at, node.configuration, fleet, problems)
    if node.configuration:
        _check_alone(node_check)
    check_cluster_rules(node_check)
    return configured


def _check_alone(check: NodeCheck) -> None:
    """Report what is wrong in the configuration, whatever the node and the cluster are."""
    check_rules(check)
    if check.fleet.minor is not None:
        check_gates(check, check.fleet.minor)
        check_version_rules(check, check.fleet.minor)
