"""An engine that is killed in the middle of a run: what the next run does again (docs/operations.md)."""

import pytest

from tests.engine.conftest import Fleet


@pytest.mark.parametrize(("skip", "again"), [("false", ["activate"]), ("true", ["stage", "activate"])])
def test_next_run_goes_on_and_repeats_what_no_snapshot_has(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, skip: str, again: list[str]
) -> None:
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", skip)
    fleet.up()
    certificate = fleet.outputs()["nodes"]["k8s-node01"]["certificateNotAfter"]
    fleet.set_mode("nftables")
    fleet.kill_at("activate")
    fleet.forget_what_ran()
    fleet.up()
    assert fleet.ran() == again
    assert fleet.outputs()["nodes"]["k8s-node01"]["certificateNotAfter"] == certificate
    fleet.pulumi("preview", "--expect-no-changes")


def test_run_that_fails_is_recorded_without_snapshots_too(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", "true")
    fleet.failing_at("activate")
    fleet.forget_what_ran()
    fleet.up()
    assert fleet.ran() == ["activate"]
