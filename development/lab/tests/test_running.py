"""A command under way is gone whole, with what it has started in process groups of its own, as plugins are."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.running import Running

SCRIPT = """
import signal, subprocess, sys
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
child = subprocess.Popen(["sleep", "300"], process_group=0, **quiet)
signal.signal(signal.SIGINT, lambda *_: sys.exit("interrupted"))
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running([sys.executable, "-c", SCRIPT], tmp_path, os.environ, tmp_path / "log")
    assert running.await_line("", 10)
    yield running
    running.kill()


def state(process: str) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def becomes(process: str, *states: str) -> None:
    deadline = time.monotonic() + 30
    while state(process) not in states:
        assert time.monotonic() < deadline, state(process)
        time.sleep(0.01)


def test_frozen_and_killed_with_all_that_it_started(running: Running) -> None:
    child = running.lines[0]
    running.freeze()
    becomes(child, "T")
    running.kill()
    becomes(child, "gone", "Z")


def test_interrupted_it_says_more_and_has_a_status(running: Running, tmp_path: Path) -> None:
    assert running.await_end(0.1) is None
    running.interrupt()
    assert running.await_end(10) == 1
    assert running.await_line("interrupted")
    assert not running.await_line("never said")
    assert (tmp_path / "log").read_text() == running.output + "\n"
