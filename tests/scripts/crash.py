"""A power cut after each step of a stage: every program that a script starts is a step, and leaves a copy of the node.

A copy is what the cut would leave: what the shell itself writes between two programs belongs to the later. Names reach
the disk in their order, as in every file system with a journal, but a file that nobody has synced may be empty after
the cut: here it always is.
"""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = (
    "chmod",
    "cp",
    "find",
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
    "touch",
)
"""What changes a node: after a question it is as it was before."""

_LIST = r"find etc usr var -type f -printf '%i %T@ %p\n'"
"""A line for each file's content: its inode, when it was written, its path."""

_WRAPPER = f"""\
#!/bin/sh
PATH={{path}}
{{program}} "$@"
status=$?
case "{{program}} $*" in "systemctl show"* | "systemctl is-enabled"* | "ip -o"* | "ip link show"* | "ipset "[ls]* | "nft list"*) exit $status ;; esac
cd "$root"
set -- "$CUT_OFF"/*/
cp -a . "$CUT_OFF/$#"
{_LIST} >"$CUT_OFF/$#/contents"
exit $status
"""


def wrap(directory: Path, path: str) -> str:
    """Makes the programs' wrappers in a directory and returns the PATH with them first.

    Each step leaves a copy of the node in the directory that the variable CUT_OFF names, beside one of the node before.
    """
    directory.mkdir()
    for program in PROGRAMS:
        if shutil.which(program, path=path):
            wrapper = directory / program
            wrapper.write_text(_WRAPPER.format(program=program, path=path))
            wrapper.chmod(0o755)
    return f"{directory}{os.pathsep}{path}"


def contents(root: Path) -> dict[str, str]:
    """Returns each file's path with its inode and time of writing, as the node was when it was copied, or as it is."""
    copied = root / "contents"
    if copied.exists():
        listed = copied.read_text()
    else:
        listed = subprocess.run(["sh", "-c", _LIST], cwd=root, capture_output=True, text=True, check=True).stdout
    return {path: content for content, path in (line.rsplit(" ", 1) for line in listed.splitlines())}


def unsynced(root: Path, before: dict[str, str]) -> list[str]:
    """Returns the paths of files whose content was written since and that nobody has synced."""
    log = root / "synced"
    synced = log.read_text().split() if log.exists() else []
    now = contents(root).items()
    return [path for path, content in now if content not in before.values() and content.split()[0] not in synced]


def lose(root: Path, before: dict[str, str]) -> None:
    """What a power cut takes away."""
    for path in unsynced(root, before):
        (root / path).write_bytes(b"")
