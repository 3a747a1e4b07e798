"""A preview of a large fleet names the engine's options that cost minutes if they aren't set."""

import pytest
from pulumi.runtime.settings import SETTINGS

from components.engine_options import advice


@pytest.mark.parametrize(
    ("nodes", "parallel", "skip", "expected"),
    [
        (50, 8, None, None),
        (51, 8, None, "export PULUMI_PARALLEL=64 PULUMI_SKIP_CHECKPOINTS=true "),
        (51, 64, None, "export PULUMI_SKIP_CHECKPOINTS=true "),
        (51, 8, "1", "export PULUMI_PARALLEL=64 "),
        (1000, 32, "TRUE", None),
    ],
)
def test_advice(
    monkeypatch: pytest.MonkeyPatch, nodes: int, parallel: int, skip: str | None, expected: str | None
) -> None:
    monkeypatch.setattr(SETTINGS, "parallel", parallel)
    monkeypatch.delenv("PULUMI_SKIP_CHECKPOINTS", raising=False)
    if skip:
        monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", skip)
    given = advice(nodes)
    assert (given is None) if expected is None else (given is not None and expected in given)
