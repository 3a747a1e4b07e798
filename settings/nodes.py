"""The workers: the fleet's values with each node's own merged over them, and what must differ between nodes."""

from typing import Final

from pydantic import SecretStr

from settings import kube_proxy_configuration, node_access, versions
from settings.addresses import parsed_address
from settings.files import Files
from settings.model import Node
from settings.problems import Kind, Location, Problems
from settings.stack import NodeSection, Stack

AT: Final[Location] = ("nodes",)


def read(stack: Stack, sections: list[NodeSection], at: Location, files: Files) -> tuple[Node, ...]:
    """Return the nodes that have all they need; what the others lack, and what doesn't fit together, are problems.

    `at` is where the list stands: `nodes`, or the `nodesFile` that has it.
    """
    problems = files.problems
    if not sections:
        problems.required(at, "must list the workers (name, address, hostKey), here or in the YAML file of nodesFile")
    addresses = [section.address and str(parsed_address(section.address)) for section in sections]
    _check_configurations(stack, sections, at, addresses, problems)
    fleet_key = node_access.fleet_private_key(stack, sections, files)
    nodes = [_node(stack, section, (*at, index), fleet_key, files) for index, section in enumerate(sections)]
    _check_unique([section.name for section in sections], at, "name", problems)
    _check_unique(addresses, at, "address", problems)
    _check_unique(_endpoints(stack, sections, at, problems), at, "ssh", problems)
    return tuple(node for node in nodes if node is not None)


def _node(stack: Stack, section: NodeSection, at: Location, fleet_key: SecretStr | None, files: Files) -> Node | None:
    problems = files.problems
    if section.name is None:
        problems.required((*at, "name"), "must be the Node object's name (e.g. k8s-node01): see kubectl get nodes")
    if section.address is None:
        problems.required((*at, "address"), "must be the node's IP address (e.g. 192.168.99.101)")
    elif stack.cluster.cluster_cidr is not None:
        kube_proxy_configuration.check_family(section.address, (*at, "address"), stack.cluster.cluster_cidr, problems)
    ssh = node_access.read(stack, section, at, fleet_key, files)
    if section.name is None or section.address is None or ssh is None:
        return None
    configuration = kube_proxy_configuration.merge(stack.configuration, section.configuration)
    return Node(section.name, section.address, ssh, configuration)


def _check_configurations(
    stack: Stack, sections: list[NodeSection], at: Location, addresses: list[str | None], problems: Problems
) -> None:
    """Check the fleet's configuration, and each node's own over it; without nodes, the fleet's as if it were one's."""
    fleet = (("configuration",), stack.configuration)
    kube_proxy_configuration.check_fields(fleet, problems)
    minor = versions.minor(stack.binary.version) if stack.binary.version else None
    owners = {
        address: section.name or "another node" for address, section in zip(addresses, sections, strict=True) if address
    }
    for index, section in enumerate(sections or [NodeSection()]):
        own = ((*at, index, "configuration"), section.configuration)
        address = addresses[index] if addresses else None
        node = kube_proxy_configuration.Surroundings(section.name, address, stack.cluster.cluster_cidr, owners)
        kube_proxy_configuration.check_fields(own, problems)
        kube_proxy_configuration.check(fleet, own, minor, node, problems)


def _endpoints(stack: Stack, sections: list[NodeSection], at: Location, problems: Problems) -> list[str | None]:
    """Return where each node is logged in to; None where its address is the problem already."""
    endpoints = [node_access.endpoint(stack, section) for section in sections]
    return [
        None if to is None or problems.at((*at, index, "address")) else str(to) for index, to in enumerate(endpoints)
    ]


def _check_unique(values: list[str | None], at: Location, key: str, problems: Problems) -> None:
    for index, value in enumerate(values):
        if value is not None and value in values[:index]:
            problems.add((*at, index, key), Kind.DUPLICATE, value)
