"""Options of Pulumi's engine that a large fleet needs. A program can't set them for the engine that runs it."""

import os

from pulumi.runtime.settings import SETTINGS

LARGE_FLEET = 50
"""From more nodes than this the defaults cost minutes (docs/operations.md)."""

PARALLEL = 64


def advice(nodes: int) -> str | None:
    """Return what to set for a fleet of this size, or None if all is set."""
    environment = {
        "PULUMI_PARALLEL": (str(PARALLEL), (SETTINGS.parallel or PARALLEL) >= PARALLEL // 2),
        "PULUMI_SKIP_CHECKPOINTS": ("true", os.environ.get("PULUMI_SKIP_CHECKPOINTS", "").lower() in ("1", "true")),
    }
    missing = " ".join(f"{name}={value}" for name, (value, is_set) in environment.items() if not is_set)
    if nodes <= LARGE_FLEET or not missing:
        return None
    return (
        f"with {nodes} nodes, an update takes minutes longer than it must; run: export {missing} (docs/operations.md)"
    )
