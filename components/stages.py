"""The stages of a node, in the order in which they run: node.py registers one resource for each, README lists them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Stage:
    """A step on a node. Its resource is `<node>-<name>`; its script, if it has scripts, is `scripts/<name>.sh`."""

    name: str
    title: str
    changes: str
    """What it changes on the node."""
    scripts: tuple[str, ...] = ()
    """The files of scripts/ that it needs beside its own."""


PREFLIGHT: Final = Stage(
    "preflight",
    title="Check that the node has what kube-proxy needs",
    changes="nothing",
    scripts=("common.sh", "ipv6.sh", "kubernetes_api.sh", "virtual_servers.sh", "conflicts.sh"),
)
BINARY: Final = Stage(
    "binary",
    title="Upload kube-proxy's binary, if binary.source is file",
    changes="/var/lib/kube-proxy-generations/binaries",
)
STAGE: Final = Stage(
    "stage",
    title="Write the new generation beside the live one and validate it",
    changes="/var/lib/kube-proxy-generations, loaded kernel modules",
    scripts=("common.sh", "ipv6.sh", "kubernetes_api.sh", "kubernetes_service.sh", "recover.sh"),
)
ACTIVATE: Final = Stage(
    "activate",
    title="Switch to the new generation and prove that it serves, or put the previous one back",
    changes="kube-proxy's live files, its service, and rules that another mode has left",
    scripts=(
        *("common.sh", "ipv6.sh", "kubernetes_api.sh", "kubernetes_service.sh", "virtual_servers.sh"),
        *("rules.sh", "proof.sh", "report.sh", "rollback.sh"),
    ),
)
STAGES: Final = (PREFLIGHT, BINARY, STAGE, ACTIVATE)

REMOVE: Final = Stage(
    "remove",
    title="Stop kube-proxy and remove its files and rules",
    changes="everything that the stages have changed",
    scripts=("common.sh", "virtual_servers.sh", "rules.sh"),
)
"""Runs when a node leaves the stack: the deletion of its ACTIVATE."""
