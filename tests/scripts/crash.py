"""A power failure after each step of a stage. Each program that a script runs is a step and leaves a copy of the node.

The copy is what the disk would have. Renames reach it in order, as on any journaling file system; a file that was written
and not synced may be empty after the failure, and here it always is. What the shell itself writes between two programs
belongs to the later step.
"""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = (
    "chmod",
    "cp",
    "find",
    "install",
    "ip",
    "ipset",
    "iptables-restore",
    "ipvsadm",
    "ln",
    "mkdir",
    "mv",
    "nft",
    "rm",
    "rmdir",
    "systemctl",
    "systemd-run",
    "tar",
    "touch",
)
"""The programs that change a node."""

_LOGS = ("contents", "synced", "unit/calls", "run/stage", "run/activate", "run/remove")
_LIST = r"find etc usr var -type f -printf '%i %T@ %p\n'"
"""Prints a line for each file: inode, time of the last write, path."""

_WRAPPER = f"""\
#!/bin/sh
PATH={{path}}
{{program}} "$@"
status=$?
case "{{program}} $*" in "systemctl show"* | "ip -o"* | "ip link show"* | "ip netns exec"* | "ip netns list"* | "ipset "[ls]* | "nft list"*) exit $status ;; esac
cd "$root"
set -- "$CUT_OFF"/*/
cp -a . "$CUT_OFF/$#"
{_LIST} >"$CUT_OFF/$#/contents"
exit $status
"""


def wrap(directory: Path, path: str) -> str:
    """Writes wrappers for the programs to a directory and returns the PATH that finds them first.

    Each step leaves a copy of the node in the directory $CUT_OFF, in which copy 0 is the node before the stage.
    """
    directory.mkdir()
    for program in PROGRAMS:
        if shutil.which(program, path=path):
            wrapper = directory / program
            wrapper.write_text(_WRAPPER.format(program=program, path=path))
            wrapper.chmod(0o755)
    return f"{directory}{os.pathsep}{path}"


def contents(root: Path) -> dict[str, str]:
    """Returns the inode and time of the last write by path: of a copied node those at the time of the copy."""
    copied = root / "contents"
    if copied.exists():
        listed = copied.read_text()
    else:
        listed = subprocess.run(["sh", "-c", _LIST], cwd=root, capture_output=True, text=True, check=True).stdout
    return {path: content for content, path in (line.rsplit(" ", 1) for line in listed.splitlines())}


def unsynced(root: Path, before: dict[str, str]) -> list[str]:
    """Returns the paths of files that were written since `before` and never synced."""
    log = root / "synced"
    synced = log.read_text().split() if log.exists() else []
    now = contents(root).items()
    return [path for path, content in now if content not in before.values() and content.split()[0] not in synced]


def lose_unsynced(root: Path, before: dict[str, str]) -> None:
    """Empties the files that a power failure may empty."""
    for path in unsynced(root, before):
        (root / path).write_bytes(b"")


def left(root: Path) -> dict[str, object]:
    """Returns the node's files by path: their mode, and content or target; without logs of the tests and the work files of stages."""
    return {
        name: (path.lstat().st_mode, path.readlink() if path.is_symlink() else path.is_file() and path.read_bytes())
        for path in sorted(root.rglob("*"))
        if not (name := str(path.relative_to(root))).startswith(_LOGS)
    }
