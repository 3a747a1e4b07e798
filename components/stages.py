"""The stages of a node, in the order in which they run; README lists them. A stage's script is `scripts/<name>.sh`."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Stage:
    """A step on a node."""

    name: str
    title: str
    changes: str
    """What it changes on the node."""


PREFLIGHT: Final = Stage(
    "preflight",
    title="Check that the node has what kube-proxy needs",
    changes="nothing",
)
STAGE: Final = Stage(
    "stage",
    title="Write the new generation beside the live one and validate it",
    changes="/var/lib/kube-proxy-generations, loaded kernel modules",
)
ACTIVATE: Final = Stage(
    "activate",
    title="Switch to the new generation and prove that it serves, or put the previous one back",
    changes="kube-proxy's live files, its service, and rules that another mode has left",
)
STAGES: Final = (PREFLIGHT, STAGE, ACTIVATE)

REMOVE: Final = Stage(
    "remove",
    title="Stop kube-proxy and remove its files and rules",
    changes="everything that the stages have changed",
)
"""Runs when a node leaves the stack: the deletion of its activation."""
