"""The table of the nodes' reports."""

from io import StringIO

import pytest
from rich.console import Console

from development.lab import report


def test_nodes_are_columns_and_fields_are_rows() -> None:
    console = Console(file=StringIO(), width=60)
    console.print(report.table({"a": {"active": True, "mode": "ipvs"}, "b": {"active": False}}))
    assert isinstance(console.file, StringIO)
    rows = [line.split() for line in console.file.getvalue().splitlines() if line.strip(" ─")]
    assert rows == [["a", "b"], ["active", "yes", "no"], ["mode", "ipvs", "-"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (None, "-"),
        (3, "3"),
        (["x", "y"], "x\ny"),
        ([{"server": "TCP 10.0.0.1:443 rr", "realServers": ["x:6443"]}], "TCP 10.0.0.1:443 rr\n  -> x:6443"),
        ("0123456789abcdef" * 4, "0123456789ab"),
    ],
)
def test_values_have_a_readable_text(value: object, text: str) -> None:
    assert report.cell(value) == text


def test_an_ipv6_address_in_brackets_is_not_markup() -> None:
    console = Console(width=80, record=True, file=StringIO())
    servers = [{"server": "TCP [fd00:10::1]:443 rr", "realServers": ["[fd00:99::121]:6443"]}]
    console.print(report.table({"a": {"virtualServers": servers}}))
    text = console.export_text()
    assert "TCP [fd00:10::1]:443 rr" in text
    assert "-> [fd00:99::121]:6443" in text
