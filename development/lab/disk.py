"""A node's disk: what differs from the image, and the snapshots, in one qcow2 file."""

import json
from pathlib import Path
from typing import Any

from development import commands
from development.lab.node_image import NodeImage

FILE = "disk.qcow2"


def make(directory: Path, image: NodeImage) -> None:
    """Make a fresh disk in a node's directory, in place of any that is there."""
    backing = ["-F", "raw", "-b", str(image.disk)]
    commands.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, FILE], directory=directory)


def snapshots(directory: Path) -> set[str]:
    """Return the names of the disk's snapshots; none where there is no disk."""
    return {snapshot["name"] for snapshot in _information(directory).get("snapshots", [])}


def image(directory: Path) -> NodeImage:
    """Return the image that the disk was made from: its kernel fits the disk, whatever the recipe is by now."""
    return NodeImage(Path(_information(directory)["backing-filename"]).parent)


def _information(directory: Path) -> dict[str, Any]:
    if not (directory / FILE).exists():
        return {}
    # -U: the disk may be in use.
    return dict(json.loads(commands.run(["qemu-img", "info", "-U", "--output=json", FILE], directory=directory)))
