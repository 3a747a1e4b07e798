"""The nodes' reports as a table with a column for each node."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from components.report import Report


def table(nodes: Mapping[str, Mapping[str, object]]) -> Table:
    """Return a table with a row for each field that any node has: the fields of Report first, in their order.

    Nodes are columns: a report has too many fields for one row of a terminal.
    """
    own = [field.alias for field in Report.model_fields.values()]
    given = [field for node in nodes.values() for field in node]
    shown = Table("", *nodes, box=SIMPLE_HEAD, pad_edge=False)
    for field in dict.fromkeys([field for field in own if field in given] + given):
        # Rich would read an IPv6 address in brackets as markup.
        shown.add_row(field, *(escape(cell(node.get(field))) for node in nodes.values()))
    return shown


def cell(value: object) -> str:
    """Return a value's text: yes or no for a boolean, the beginning of a digest, a line for each item of a list."""
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
