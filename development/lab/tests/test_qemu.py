"""A node's command line for QEMU."""

from pathlib import Path

import pytest

from development.lab import qemu, topology
from development.lab.node_image import NodeImage

GOLDEN = Path(__file__).parent / "golden" / "qemu.txt"


def test_the_command_line_matches_the_golden_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "has_kvm", lambda: True)
    command = qemu.command(topology.WORKERS[0], NodeImage(Path("/cache/image")), "booted")
    assert "".join(f"{argument}\n" for argument in command) == GOLDEN.read_text()


def test_a_node_without_a_snapshot_boots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "has_kvm", lambda: True)
    command = qemu.command(topology.WORKERS[0], NodeImage(Path("/cache/image")), None)
    assert "-loadvm" not in command


def test_an_emulated_node_has_a_processor_that_is_cheap_to_emulate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "has_kvm", lambda: False)
    command = qemu.command(topology.WORKERS[0], NodeImage(Path("/cache/image")), None)
    assert command[command.index("-cpu") + 1] == "Westmere"


@pytest.mark.parametrize(
    ("flags", "accessible", "used"),
    [
        ("fpu vmx sse", True, True),
        ("fpu svm sse", True, True),
        ("fpu sse", True, False),
        ("fpu vmx sse", False, False),
    ],
)
def test_kvm_is_used_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, flags: str, accessible: bool, used: bool
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: f"processor\t: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr("os.access", lambda *_: accessible)
    assert qemu.has_kvm() == used
