"""Options of Pulumi's engine that a large fleet needs. A program can't set them for the engine that runs it."""

import os

from pulumi.runtime.settings import SETTINGS

LARGE_FLEET = 50
"""From more nodes than this the defaults cost minutes (docs/operations.md)."""

PARALLEL = 64


def parallel() -> int:
    """Return how many resources the engine works on at a time (`--parallel`, PULUMI_PARALLEL)."""
    return SETTINGS.parallel or PARALLEL


def advice(nodes: int, largest_wave: int) -> str | None:
    """Return what to set for a fleet, or None if all is set.

    The nodes of a wave beyond `parallel()` wait until the first ones have been up for minReadySeconds.
    """
    missing = []
    if parallel() < min(largest_wave, PARALLEL):
        missing.append(f"PULUMI_PARALLEL={PARALLEL}")
    if nodes > LARGE_FLEET and os.environ.get("PULUMI_SKIP_CHECKPOINTS", "").lower() not in ("1", "true"):
        missing.append("PULUMI_SKIP_CHECKPOINTS=true")
    if not missing:
        return None
    return f"an update of {nodes} nodes takes longer than it must; run: export {' '.join(missing)} (docs/operations.md)"
