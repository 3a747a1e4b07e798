"""A crash after each step of a stage: every program that a script starts is counted, and the N-th is its last.

The script and all that it has started are killed (SIGKILL) right after that program has done its work, as by a power
cut of which the disk saw everything up to there. What the shell itself writes between two programs belongs to the later.
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
