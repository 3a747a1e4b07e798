"""A preview of a large fleet names the engine's options that cost minutes if they aren't set."""

import pytest
from pulumi.runtime.settings import SETTINGS

from components.engine_options import advice


@pytest.mark.parametrize(
    ("nodes", "wave", "parallel", "skip", "expected"),
    [
        (2, 1, 8, None, None),
        (50, 8, 8, None, None),
        (50, 13, 8, None, "export PULUMI_PARALLEL=64 "),
        (51, 8, 8, None, "export PULUMI_SKIP_CHECKPOINTS=true "),
        (51, 13, 8, None, "export PULUMI_PARALLEL=64 PULUMI_SKIP_CHECKPOINTS=true "),
        (1000, 250, 64, "TRUE", None),
        (1000, 250, 32, "1", "export PULUMI_PARALLEL=64 "),
    ],
)
def test_advice(
    monkeypatch: pytest.MonkeyPatch, nodes: int, wave: int, parallel: int, skip: str | None, expected: str | None
) -> None:
    monkeypatch.setattr(SETTINGS, "parallel", parallel)
    monkeypatch.delenv("PULUMI_SKIP_CHECKPOINTS", raising=False)
    if skip:
        monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", skip)
    given = advice(nodes, wave)
    assert (given is None) if expected is None else (given is not None and expected in given)
