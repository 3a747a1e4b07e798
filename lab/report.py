"""What a deployment came to, as a table of nodes."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table


def table(nodes: Mapping[str, Mapping[str, object]]) -> Table:
    """Return a table with a column for each node and a row for each field that any node has, in their order.

    This way round, because a node has more to say than a terminal is wide.
    """
    shown = Table("", *nodes, box=SIMPLE_HEAD, pad_edge=False)
    for field in dict.fromkeys(field for node in nodes.values() for field in node):
        shown.add_row(field, *(cell(node.get(field)) for node in nodes.values()))
    return shown


def cell(value: object) -> str:
    """Return a value for a person: truth as yes or no, a list or mapping with a line for each item."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return "\n".join(f"{key}: {cell(item)}" for key, item in value.items())
        case list():
            return "\n".join(cell(item) for item in value)
        case _:
            return str(value)
