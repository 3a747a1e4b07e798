"""Measure one step: a program that the operator runs, and what it costs him and the nodes."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from development.bench.world import control_group

TOP = control_group()
OPERATOR = TOP / "operator"
NODES = TOP / "nodes"
_SAMPLE_SECONDS = 0.1
_SAMPLING_SHARE = 0.1
"""Sampling may take this share of one processor."""

_BLOCK = 512
"""getrusage(2) counts what is written in blocks of this size."""

_QUIET_SHARE = 0.2
_QUIET_SECONDS = 60.0


@dataclass(frozen=True)
class Cost:
    """What a program cost; see Row."""

    status: int
    wall_seconds: float
    operator_seconds: float
    node_seconds: float
    memory_mib: float
    written_mib: float
    load: float


def run(command: Sequence[str | Path], directory: Path, environment: Mapping[str, str], log: Path) -> Cost:
    """Run a program to its end; its output goes to its log."""
    joined = [*joining(OPERATOR), *command]
    load = os.getloadavg()[0]
    operator, nodes = processor_seconds(OPERATOR), processor_seconds(NODES)
    with log.open("wb") as output, _Memory(OPERATOR) as memory:
        began = time.monotonic()
        process = subprocess.Popen(
            joined,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        status=process.returncode,
        wall_seconds=round(wall, 2),
        operator_seconds=round(processor_seconds(OPERATOR) - operator, 2),
        node_seconds=round(processor_seconds(NODES) - nodes, 2),
        memory_mib=round(memory.peak / 2**20, 1),
        written_mib=round(usage.ru_oublock * _BLOCK / 2**20, 1),
        load=round(load, 1),
    )


class _Memory:
    """Samples the sum of the proportional set sizes of a control group's processes, in bytes."""

    def __init__(self, group: Path) -> None:
        self.peak = 0
        self._group = group
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            began = time.monotonic()
            sizes = map(_proportional_set_size, (self._group / "cgroup.procs").read_text().split())
            self.peak = max(self.peak, sum(sizes))
            pause = max(_SAMPLE_SECONDS, (time.monotonic() - began) / _SAMPLING_SHARE)


def joining(group: Path) -> list[str]:
    """Make a control group, and return what to put before a command to run it there."""
    group.mkdir(parents=True, exist_ok=True)
    return ["/bin/sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(group)]


def await_quiet() -> None:
    """Wait until the fleet is nearly idle, after a boot or after kube-proxy's start."""
    deadline = time.monotonic() + _QUIET_SECONDS
    before, used = -1.0, 0.0
    while used - before > _QUIET_SHARE and time.monotonic() < deadline:
        before = processor_seconds(TOP)
        time.sleep(1)
        used = processor_seconds(TOP)


def processor_seconds(group: Path) -> float:
    """Return the processor time that a control group, and all groups in it, have used."""
    if not group.exists():
        return 0.0
    values = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(values["usage_usec"]) / 1e6


def _proportional_set_size(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
