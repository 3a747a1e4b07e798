"""The lab finds and stops the programs that it started, and no other process."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from development.lab import processes
from development.lab.processes import BOOT_ID, Process, parse_stat
from development.paths import Lab


@pytest.fixture
def sleeper(lab: Lab) -> Iterator[Process]:
    processes.start(lab, "sleeper", ["sleep", "600"])
    found = processes.find(lab, "sleeper")
    assert found
    yield found
    processes.stop(lab, "sleeper")


def await_end(process: Process) -> None:
    subprocess.run(["tail", f"--pid={process.pid}", "-f", "/dev/null"], timeout=10, check=True)


def test_a_started_program_is_found_under_its_own_process_id(sleeper: Process) -> None:
    command = subprocess.run(["ps", "-o", "args=", str(sleeper.pid)], capture_output=True, text=True, check=True)
    assert command.stdout.strip() == "sleep 600"


def test_a_started_program_has_a_session_of_its_own(sleeper: Process) -> None:
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_a_stopped_program_leaves_no_record(lab: Lab, sleeper: Process) -> None:
    assert processes.find(lab, "sleeper") == sleeper
    processes.stop(lab, "sleeper")
    assert processes.find(lab, "sleeper") is None
    assert not (lab.run / "sleeper").exists()


def test_a_program_that_ignores_the_first_signal_is_killed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PATIENCE_SECONDS", 0.2)
    processes.start(lab, "stubborn", ["sh", "-c", "trap '' TERM; sleep 600 & wait; wait"])
    processes.stop(lab, "stubborn")
    assert processes.find(lab, "stubborn") is None


def test_a_killed_program_is_not_found(lab: Lab, sleeper: Process) -> None:
    handle = os.pidfd_open(sleeper.pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    await_end(sleeper)
    assert processes.find(lab, "sleeper") is None


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(
            lambda record, real: record.replace(f" {real.started} ", f" {real.started - 1} "), id="start time"
        ),
        pytest.param(lambda record, _: record.replace(BOOT_ID.read_text(), f"{UUID(int=0)}\n"), id="boot"),
    ],
)
def test_a_process_with_a_recycled_id_is_left_alone(
    lab: Lab, sleeper: Process, forge: Callable[[str, Process], str]
) -> None:
    (lab.run / "earlier").write_text(forge((lab.run / "sleeper").read_text(), sleeper))
    processes.stop(lab, "earlier")
    assert processes.find(lab, "sleeper") == sleeper


def test_a_program_that_does_not_start_has_the_reason_in_its_log(lab: Lab) -> None:
    processes.start(lab, "absent", ["no-such-program"])
    if shell := processes.find(lab, "absent"):
        await_end(shell)
    assert "no-such-program: not found" in processes.log_file(lab, "absent").read_text()


def test_parse_stat_accepts_a_name_with_brackets_and_spaces() -> None:
    line = "42 (a) b (c) S 1 " + " ".join(str(field) for field in range(5, 23)) + " 0"
    assert parse_stat(line) == (Process(pid=42, started=22), "S")
