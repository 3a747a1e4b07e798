"""A node whose boot hangs."""

from pathlib import Path

import pytest

from development.lab import node as lab_node
from development.lab import verbs
from development.paths import Lab


@pytest.mark.parametrize(("answers_from_the_start", "resets"), [(True, []), (False, ["system_reset"])])
def test_a_node_is_reset_when_its_boot_hangs(
    answers_from_the_start: bool, resets: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, commands = verbs.nodes(Lab(tmp_path))[0], list[str]()
    monkeypatch.setattr(lab_node, "_RESET_SECONDS", 0.1)
    monkeypatch.setattr(lab_node.Node, "_snapshots", lambda _: {lab_node.BOOTED})
    monkeypatch.setattr(lab_node.Node, "_run_machine", lambda *_: None)
    monkeypatch.setattr(lab_node.Node, "_set_clock", lambda _: None)
    monkeypatch.setattr(lab_node.Node, "is_running", lambda _: True)
    monkeypatch.setattr(lab_node.Node, "_monitor", lambda _, command: commands.append(command))
    monkeypatch.setattr(lab_node.Node, "_ssh_answers", lambda _: answers_from_the_start or bool(commands))
    node.start()
    assert commands == resets
