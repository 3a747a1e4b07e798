"""A node's disk: a qcow2 file with its changes to the image, and its snapshots."""

import json
from pathlib import Path
from typing import Any

from development import commands
from development.lab.node_image import NodeImage

FILE = "disk.qcow2"


def make(directory: Path, image: NodeImage) -> None:
    """Make a fresh disk in a node's directory; replace any that is there."""
    backing = ["-F", "raw", "-b", str(image.disk)]
    commands.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, FILE], directory=directory)


def remove(directory: Path) -> None:
    """Remove a node's disk with its snapshots, if there is one."""
    (directory / FILE).unlink(missing_ok=True)


def snapshots(directory: Path) -> set[str]:
    """Return the names of the disk's snapshots; none if there is no disk."""
    return {snapshot["name"] for snapshot in _information(directory).get("snapshots", [])}


def image(directory: Path) -> NodeImage:
    """Return the image that the disk was made from: its kernel fits the disk even after the recipe has changed."""
    return NodeImage(Path(_information(directory)["backing-filename"]).parent)


def _information(directory: Path) -> dict[str, Any]:
    if not (directory / FILE).exists():
        return {}
    # -U: the disk may be in use.
    return dict(json.loads(commands.run(["qemu-img", "info", "-U", "--output=json", FILE], directory=directory)))
