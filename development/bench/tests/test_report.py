"""Rows become a table; what is measured already is not measured again."""

import argparse
from dataclasses import replace
from pathlib import Path

from development.bench import __main__ as bench
from development.bench import report
from development.bench.row import CONTAINERS, Row, read_rows, write_rows

ROW = Row(
    kind=CONTAINERS,
    nodes=5,
    contender="floor",
    round=0,
    step="first",
    status=0,
    wall_seconds=2.0,
    operator_seconds=0.5,
    node_seconds=1.5,
    memory_mib=40.0,
    written_mib=0.0,
    state_kib=None,
    logins=5,
    restarts=5,
    load=1.0,
    date="2026-11-26T19:00:00+00:00",
    commit="0123456",
)
SLOW = replace(ROW, contender="defaults", wall_seconds=9.0, logins=15, state_kib=50.0)


def cells(rows: list[Row], title: str) -> list[str]:
    [line] = [line for line in report.table(rows, 5) if title in line]
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_wall_time_is_a_median_with_its_range_and_ratio_to_the_floor() -> None:
    rows = [
        ROW,
        *(replace(SLOW, round=number, wall_seconds=seconds) for number, seconds in enumerate((8.0, 9.0, 13.0))),
    ]
    assert cells(rows, "all defaults")[1] == "9.0 (8.0–13.0) 4.5×"
    assert cells(rows, "floor:")[1] == "2.0 1.0×"


def test_costs_are_per_node_and_a_dash_where_they_do_not_apply() -> None:
    assert cells([ROW, SLOW], "all defaults")[2:] == ["0.5 + 1.5", "–", "–", "40", "3, –", "–", "0, –", "10"]
    assert cells([ROW, SLOW], "floor:")[-1] == "–"


def test_failed_step_is_shown_as_failed() -> None:
    assert cells([ROW, replace(ROW, round=1, status=1)], "floor:")[1] == "1 of 2 failed"


def test_rows_survive_the_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", [ROW, SLOW])
    assert read_rows(tmp_path / "rows.jsonl") == [ROW, SLOW]
    assert read_rows(tmp_path / "none") == []


def test_each_round_begins_with_another_contender() -> None:
    arguments = argparse.Namespace(nodes=[5], fake=[200], rounds=2, contenders=["floor", "pyinfra"])
    assert [(nodes, name, number) for _, nodes, name, number in bench.cells(arguments)] == [
        (5, "floor", 0),
        (5, "pyinfra", 0),
        (5, "pyinfra", 1),
        (5, "floor", 1),
        (200, "machinery-tuned", 0),
        (200, "machinery-tuned", 1),
    ]
