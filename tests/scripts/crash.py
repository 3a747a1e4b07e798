"""A power cut after each step of a stage: every program that a script starts is counted, and the N-th is its last.

The script and all that it has started are killed (SIGKILL) right after that program has done its work. What the shell
itself writes between two programs belongs to the later. Names reach the disk in their order, as in every file system
with a journal, but a file that nobody has synced may be empty after the cut: here it always is.
"""

import os
import shutil
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

WRAPPER = """\
#!/bin/sh
# Runs {program}, then kills the shell that asked for it if this was the step to crash after: the session's leader, since
# timeout makes a group of its own.
PATH={path} {program} "$@"
status=$?
case "{program} $*" in "systemctl show"* | "systemctl is-enabled"* | "ip -o"* | "ip link show"* | "ipset "[ls]* | "nft list"*) exit $status ;; esac
echo {program} "$@" >>"$root/steps"
[ "${{CRASH_AFTER:-0}}" = 0 ] || [ "$(wc -l <"$root/steps")" -lt "$CRASH_AFTER" ] || {{ kill -KILL "-$(ps -o sid= -p $$ | tr -d " ")"; kill -KILL 0; }}
exit $status
"""


def wrap(directory: Path, path: str) -> str:
    """Makes the wrappers in a directory and returns the PATH with them first."""
    directory.mkdir(exist_ok=True)
    for program in PROGRAMS:
        if shutil.which(program, path=path):
            wrapper = directory / program
            wrapper.write_text(WRAPPER.format(program=program, path=path))
            wrapper.chmod(0o755)
    return f"{directory}{os.pathsep}{path}"


def on_disk(root: Path) -> set[tuple[int, int]]:
    """Returns the files of a node as they are now, all of them on its disk."""
    return {(path.stat().st_ino, path.stat().st_mtime_ns) for path in _files(root)}


def unsynced(root: Path, before: set[tuple[int, int]]) -> list[Path]:
    """Returns the files that were written since and that nobody has synced."""
    log = root / "synced"
    synced = {int(line) for line in log.read_text().split()} if log.exists() else set()
    found = [(path, path.stat()) for path in _files(root)]
    return [path for path, now in found if now.st_ino not in synced and (now.st_ino, now.st_mtime_ns) not in before]


def lose(root: Path, before: set[tuple[int, int]]) -> None:
    """What a power cut takes away."""
    for path in unsynced(root, before):
        path.write_bytes(b"")


def _files(root: Path) -> list[Path]:
    return [path for top in ("etc", "usr", "var") for path in (root / top).rglob("*") if path.is_file()]
