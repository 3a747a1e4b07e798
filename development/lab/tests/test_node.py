"""A node whose boot hangs, or ends with a wrong clock."""

from pathlib import Path

import pytest

from development.lab import node as lab_node
from development.lab import topology
from development.paths import Lab


@pytest.mark.parametrize(
    ("answers_from_the_start", "speeds", "resets"), [(True, [1.0], 0), (False, [1.0], 1), (True, [5.0, 1.0], 1)]
)
def test_a_node_is_reset_when_its_boot_hangs_or_its_clock_runs_at_another_speed(
    answers_from_the_start: bool, speeds: list[float], resets: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, commands, measured = lab_node.Node(Lab(tmp_path), topology.WORKERS[0]), list[str](), iter(speeds)
    monkeypatch.setattr(lab_node, "_RESET_SECONDS", 0.1)
    monkeypatch.setattr(lab_node.Node, "_snapshots", lambda _: {lab_node.BOOTED})
    monkeypatch.setattr(lab_node.Node, "_run_machine", lambda *_: None)
    monkeypatch.setattr(lab_node.Node, "_clock_speed", lambda _: next(measured))
    monkeypatch.setattr(lab_node.Node, "_set_clock", lambda _: None)
    monkeypatch.setattr(lab_node.Node, "is_running", lambda _: not answers_from_the_start)
    monkeypatch.setattr(lab_node.Node, "_monitor", lambda _, command: commands.append(command))
    monkeypatch.setattr(lab_node.Node, "_ssh_answers", lambda _: answers_from_the_start or bool(commands))
    node.start()
    assert commands == ["system_reset"] * resets
