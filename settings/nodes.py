"""The workers: the list, each node's own values over the fleet's, and what must differ between nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from settings import yaml_reader
from settings.files import Files
from settings.kube_proxy_configuration import Fleet, NodeConfiguration, check_configuration
from settings.problems import Kind, Location, Problems
from settings.section import read_section
from settings.ssh import SSH, check_sudo_password, endpoint, read_fleet_login, read_ssh
from settings.stack import NodeSection, NodesFile, Stack

_NODES: Location = ("nodes",)
_NODES_FILE: Location = ("nodesFile",)


@dataclass(frozen=True)
class NodeSettings(NodeConfiguration):
    """A worker."""

    ssh: SSH


def list_nodes(
    stack: Stack, values: Mapping[str, object], files: Files
) -> tuple[Mapping[str, object], Location, list[NodeSection]]:
    """Return the values with nodesFile replaced by its content, the location of the list of nodes, and the list."""
    if stack.nodes is None and stack.nodes_file is not None:
        items = files.parse(stack.nodes_file, _NODES_FILE, _parse_nodes_file, needed=True) or []
        listed = read_section(NodesFile, {"nodesFile": items}, files.problems).nodes_file
        return {**values, "nodesFile": items}, _NODES_FILE, listed
    if stack.nodes_file is not None:
        files.problems.forbidden(_NODES_FILE, "must not be set together with nodes: keep one of the two")
    return values, _NODES, stack.nodes or []


def read_nodes(stack: Stack, sections: list[NodeSection], at: Location, files: Files) -> tuple[NodeSettings, ...]:
    """Return the complete nodes, and report what is wrong with any of them or between them.

    `at` is the location of the list: `nodes` or `nodesFile`.
    """
    problems = files.problems
    if not sections:
        must = "must list the workers (name, address, hostKey), here or in a YAML file that nodesFile names"
        problems.required(at, must)
    owners = {section.address.ip: section.name or "another node" for section in sections if section.address}
    minor = stack.binary.version.minor if stack.binary.version else None
    fleet = Fleet(stack.configuration, minor, stack.cluster.cluster_cidr, owners)
    configurations = check_configuration(fleet, sections, at, problems)
    fleet_login = read_fleet_login(stack, sections, files)
    check_sudo_password(stack, sections, problems)
    logins = [read_ssh(stack, section, (*at, index), fleet_login, files) for index, section in enumerate(sections)]
    _check_unique([section.name for section in sections], at, "name", problems)
    _check_unique([section.address and str(section.address.ip) for section in sections], at, "address", problems)
    # An address that has a problem must not be a second problem as an SSH endpoint.
    listed = enumerate(sections)
    endpoints = [None if problems.at((*at, index, "address")) else endpoint(stack, node) for index, node in listed]
    _check_unique(endpoints, at, "ssh", problems)
    return tuple(
        NodeSettings(node.name, node.address, node.configuration, node.kube_proxy, ssh)
        for node, ssh in zip(configurations, logins, strict=True)
        if ssh is not None
    )


def _parse_nodes_file(text: str) -> list[object]:
    try:
        items = yaml_reader.load_yaml(text)
    except yaml.YAMLError as error:
        found = yaml_reader.error_detail(error)
        raise ValueError(f"must name a YAML file{found and f'; {found}'}") from None
    if isinstance(items, list):
        return items
    raise ValueError("must name a YAML file with a list of nodes (- name: k8s-node01 …)")


def _check_unique(values: Sequence[str | None], at: Location, key: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value is not None and value in seen:
            problems.add((*at, index, key), Kind.DUPLICATE, value)
        elif value is not None:
            seen.add(value)
