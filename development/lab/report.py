"""What a deployment came to, as a table with a column for each node."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from components.report import Report


def table(nodes: Mapping[str, Mapping[str, object]]) -> Table:
    """Return a table with a row for each field that any node has: the report's own first, in its order.

    Columns are nodes, because a node has more to say than a terminal is wide.
    """
    own = [field.alias for field in Report.model_fields.values()]
    given = [field for node in nodes.values() for field in node]
    shown = Table("", *nodes, box=SIMPLE_HEAD, pad_edge=False)
    for field in dict.fromkeys([field for field in own if field in given] + given):
        # Rich takes what stands in brackets for markup, and an address of IPv6 does.
        shown.add_row(field, *(escape(cell(node.get(field))) for node in nodes.values()))
    return shown


def cell(value: object) -> str:
    """Return a value for a person: truth as yes or no, a digest's beginning, a list with a line for each item."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case {"server": server, "realServers": list(real_servers)}:
            return "\n  -> ".join([str(server), *map(str, real_servers)])
        case list():
            return "\n".join(cell(item) for item in value)
        case str() if len(value) == 64:
            return value[:12]
        case _:
            return str(value)
