"""Show where a node's KubeProxyConfiguration comes from: `python -m commands.explain Pulumi.prod.yaml NODE`.

Each value is a line with its origin: the node's own `configuration`, the fleet's, or the key that it is derived from.
Like `python -m commands.validate` it reads only the stack's file.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from documents import kube_proxy_configuration
from settings.files import Files
from settings.kube_proxy_configuration import configure
from settings.nodes import list_nodes
from settings.problems import LONGEST_DETAIL, OMITTED, Location, Problems, cut, field_path, find, printable
from settings.section import read_section
from settings.stack import NodeSection, Stack
from settings.stack_file import StackFile, read_stack_file

_DERIVED: Final = {
    "bindAddress": "address",
    "healthzBindAddress": "address",
    "metricsBindAddress": "address",
    "hostnameOverride": "name",
}
"""Fields whose default is another key of the node."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a node's configuration and return the exit status: 1 if the stack has no such node with an address."""
    parser = argparse.ArgumentParser(
        prog="python -m commands.explain", description="Show where a node's values come from."
    )
    parser.add_argument("file", type=Path, help="Pulumi.<stack>.yaml")
    parser.add_argument("node", help="the node's name")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # where the terminal or the pipe is not UTF-8
    try:
        lines = explain(options.file, options.node)
    except ValueError as error:
        print(printable(cut(f"{options.file}: {error}", LONGEST_DETAIL)))
        return 1
    print("\n".join(map(printable, lines)))
    return 0


def explain(file: Path, name: str) -> list[str]:
    """Return the lines for a node.

    Raises:
        ValueError: the file is no stack's file, or has no node of that name with an address.
    """
    stack_values = read_stack_file(file)
    problems = Problems(stack_values.unreadable)
    stack = read_section(Stack, stack_values.values, problems)
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
    document = kube_proxy_configuration.document(configure(node, stack.configuration), stack.cluster)
    for place, value in _leaves(document, ()):
        origin = _origin(stack, node, at, place)
        where = field_path(origin) if origin else "the default" if place == ("mode",) else "always"
        if origin and origin[0] != "nodesFile":
            where += f", {file}:{values.line(origin)}"
        yield f"{field_path(place)}: {json.dumps(value, ensure_ascii=False)}", where


def _origin(stack: Stack, node: NodeSection, at: Location, place: Location) -> Location | None:
    """Return where a value was written, or the key that it is derived from; None if this program sets it."""
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
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly before `| head`, as other programs do
    sys.exit(main())
