"""A lab that an earlier version of the project made."""

import pytest

from development.errors import LabError
from development.lab import network, ssh, verbs
from development.paths import Lab
from development.progress import Steps


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts of a lab that a start would make."""
    made: list[str] = []
    monkeypatch.setattr(verbs, "_make", lambda *_: made.append("tools"))
    monkeypatch.setattr(ssh, "prepare", lambda _: made.append("keys"))
    monkeypatch.setattr(network, "start", lambda _: made.append("network"))
    monkeypatch.setattr(verbs, "_in_parallel", lambda _: made.append("programs"))
    return made


def test_start_refuses_an_older_lab_before_it_changes_anything(lab: Lab, started: list[str]) -> None:
    lab.cert.mkdir()
    with pytest.raises(LabError, match="remove it by `make clean`"):
        verbs.start(lab, Steps())
    assert started == []


def test_start_accepts_a_lab_of_this_version_again(lab: Lab, started: list[str]) -> None:
    verbs.start(lab, Steps())
    lab.cert.mkdir()
    verbs.start(lab, Steps())
    assert started == ["tools", "keys", "network", "programs"] * 2
