"""A world of its own for one measurement: namespaces for network, mounts and processes, which end with it.

Whatever ends a run, even SIGKILL, takes the world with it: its first process dies with its parent, and the kernel
removes what only the world has. Only what namespaces don't cover can be left: control groups and one kernel setting.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from development import control_groups
from development.bench.preparation import LAB
from development.bench.row import Row
from development.errors import LabError

_ENTER = (
    *("setpriv", "--pdeathsig=KILL"),
    *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
_CONTROL_GROUP = "kube-proxy-bench"
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_NEEDED = 8192
"""By default a machine has 128 of them, which 21 containers use up; the next ones hang."""

_INOTIFY_BEFORE = LAB.state / "max_user_instances"


def control_group() -> Path:
    """Return the control group of all that is measured. It counts processor time."""
    return control_groups.group(_CONTROL_GROUP)


def run(arguments: Sequence[str]) -> Iterator[Row]:
    """Run `development.bench.cell` in a new world; yield its rows as they come. Raises LabError when it fails."""
    _INOTIFY_BEFORE.write_text(_INOTIFY.read_text())
    _INOTIFY.write_text(f"{max(_INOTIFY_NEEDED, int(_INOTIFY_BEFORE.read_text()))}\n")
    log = LAB.log / "cell.log"
    with log.open("w") as errors:
        command = [*_ENTER, sys.executable, "-m", "development.bench.cell", *arguments]
        # A session of its own: Ctrl-C ends the world by way of this process only.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        try:
            for line in process.stdout or ():
                yield Row(**json.loads(line))
            if process.wait():
                lines = log.read_text().splitlines()
                raise LabError(lines[-1] if lines else f"ended with status {process.returncode}", log)
        finally:
            process.kill()
            process.wait()
            remove_leftovers()


def remove_leftovers() -> None:
    """Remove control groups and put the kernel's setting back, after this run or one that was killed."""
    control_groups.remove(_CONTROL_GROUP)
    if _INOTIFY_BEFORE.exists():
        _INOTIFY.write_text(_INOTIFY_BEFORE.read_text())
        _INOTIFY_BEFORE.unlink()
