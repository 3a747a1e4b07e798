"""Where each value of a node's KubeProxyConfiguration comes from: `python -m documents.explain Pulumi.prod.yaml NODE`.

A line for each value, with the place that it was written at: the node's own `configuration`, the fleet's, or what it is
derived from. Like `python -m settings` it reads the stack's file alone.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents import kube_proxy_configuration
from settings import shape, stack_file
from settings.files import Files
from settings.kube_proxy_configuration import merge
from settings.kube_proxy_configuration.check import find
from settings.load import list_nodes
from settings.problems import OMITTED, Location, Problems, path
from settings.stack import NodeSection, Stack
from settings.stack_file import StackFile

_DERIVED: Final = {
    "bindAddress": "address",
    "healthzBindAddress": "address",
    "metricsBindAddress": "address",
    "hostnameOverride": "name",
}
"""Fields that follow from another key of the node where nobody sets them."""


@dataclass(frozen=True)
class Worker:
    """A node, as far as its configuration depends on it."""

    name: str
    address: str
    configuration: Mapping[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a node's configuration and return the exit status: 1 where the stack has no such node, complete."""
    parser = argparse.ArgumentParser(
        prog="python -m documents.explain", description="Say where a node's values come from."
    )
    parser.add_argument("file", type=Path, help="Pulumi.<stack>.yaml")
    parser.add_argument("node", help="the node's name")
    options = parser.parse_args(arguments)
    try:
        print("\n".join(explain(options.file, options.node)))
    except ValueError as error:
        print(f"{options.file}: {error}")
        return 1
    return 0


def explain(file: Path, name: str) -> list[str]:
    """Return the lines for a node.

    Raises:
        ValueError: the file is no stack's, or has no node of that name with an address.
    """
    stack_values = stack_file.read(file)
    problems = Problems(stack_values.unreadable)
    stack = shape.read(Stack, stack_values.values, problems)
    _, at, nodes = list_nodes(stack, stack_values.values, Files(file.absolute().parent, problems, elsewhere=True))
    index = next((index for index, node in enumerate(nodes) if node.name == name), None)
    if index is None or not nodes[index].address:
        known = ", ".join(node.name for node in nodes if node.name and node.address)
        raise ValueError(f'must have a node "{name}" with an address; it has: {known or "none"}')
    node = nodes[index]
    rows = list(_rows(stack, node, (*at, index), stack_values, file))
    width = max(len(value) for value, _ in rows)
    return [f"{value:<{width}}  # {origin}" for value, origin in rows]


def _rows(stack: Stack, node: NodeSection, at: Location, values: StackFile, file: Path) -> Iterator[tuple[str, str]]:
    worker = Worker(node.name or "", node.address or "", merge(stack.configuration, node.configuration))
    for place, value in _leaves(kube_proxy_configuration.document(worker, stack.cluster), ()):
        origin = _origin(stack, node, at, place)
        where = path(origin) if origin else "the default" if place == ("mode",) else "always"
        if origin and origin[0] != "nodesFile":
            where += f", {file}:{values.line(origin)}"
        yield f"{path(place)}: {json.dumps(value, ensure_ascii=False)}", where


def _origin(stack: Stack, node: NodeSection, at: Location, place: Location) -> Location | None:
    """Return where a value was written, or what it follows from; None where this program sets it."""
    if find(node.configuration, place) is not OMITTED:
        return (*at, "configuration", *place)
    if find(stack.configuration, place) is not OMITTED:
        return ("configuration", *place)
    if place == ("clusterCIDR",):
        return ("cluster", "clusterCIDR")
    derived = _DERIVED.get(str(place[0]))
    return (*at, derived) if derived else None


def _leaves(value: object, at: Location) -> Iterator[tuple[Location, object]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    else:
        yield at, value


if __name__ == "__main__":
    sys.exit(main())
