"""Programs that outlive the command that starts them: network, etcd, API servers, load balancer, nodes.

`.lab/run/NAME` has a record of each: its line of `/proc/PID/stat` and the machine's boot id. The process writes the
record before it becomes the program, so an interrupted command loses none. The start time in it (proc(5), field 22)
distinguishes the process from a later one with the same id.
"""

import os
import select
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from development.errors import LabError
from development.paths import Lab

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RECORD_AND_RUN = """
cat /proc/$$/stat /proc/sys/kernel/random/boot_id >"$1" && log=$2 && shift 2 && exec "$@" >>"$log" 2>&1
"""
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Process:
    """A process by its id and its start time, in clock ticks after the machine's boot."""

    pid: int
    started: int


def parse_stat(line: str) -> tuple[Process, str]:
    """Return the process and its state letter from a line of `/proc/PID/stat`.

    The program's name, in brackets, can contain spaces and brackets: fields are counted from the last bracket.
    """
    before, _, after = line.rpartition(")")
    fields = after.split()
    return Process(pid=int(before.split(" ", 1)[0]), started=int(fields[19])), fields[0]


def _record(lab: Lab, name: str) -> Path:
    return lab.run / name


def find(lab: Lab, name: str) -> Process | None:
    """Return the program's process if it is alive, even if an earlier command started it."""
    try:
        stat, boot_id = _record(lab, name).read_text().splitlines()
        recorded, _ = parse_stat(stat)
        alive, state = parse_stat(Path(f"/proc/{recorded.pid}/stat").read_text())
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    same = boot_id == BOOT_ID.read_text().strip() and alive == recorded
    return recorded if same and state not in "ZX" else None


def log_file(lab: Lab, name: str) -> Path:
    """Return the file with a program's output."""
    return lab.log / f"{name}.log"


def start(
    lab: Lab,
    name: str,
    command: Sequence[str | Path],
    directory: Path | None = None,
    descriptors: Sequence[int] = (),
) -> None:
    """Start a program in the background, in a session of its own; its output goes to its log.

    It inherits the open file descriptors `descriptors`.
    """
    shell = ["/bin/sh", "-c", _RECORD_AND_RUN, name, _record(lab, name), log_file(lab, name), *command]
    # The pipe closes when the shell becomes the program, whose output goes to the log: by then the record is complete.
    subprocess.run(
        ["setsid", "--fork", *shell],
        cwd=directory or lab.state,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        check=True,
    )


def stop(lab: Lab, name: str, first: signal.Signals = signal.SIGTERM) -> None:
    """Stop a program and remove its record; kill it when it doesn't end within ten seconds.

    Raises LabError when it survives that, too.
    """
    process = find(lab, name)
    if process:
        _end(name, process, first)
    _record(lab, name).unlink(missing_ok=True)


def _end(name: str, process: Process, first: signal.Signals) -> None:
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        for each in (first, signal.SIGKILL):
            signal.pidfd_send_signal(handle, each)
            if select.select([handle], [], [], _PATIENCE_SECONDS)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
    raise LabError(
        f"{name}: process {process.pid} must end on SIGKILL, and did not; look at it with `ps {process.pid}`"
    )
