"""Commands to QEMU's monitor; whatever it prints is an error."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from development.errors import LabError
from development.lab.qmp import monitor

Serve = Callable[[str], Path]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a monitor that answers a human command with the given text, in a directory with a very long name."""
    directory = tmp_path / ("long" * 40)
    directory.mkdir()
    monkeypatch.chdir(directory)
    threads: list[threading.Thread] = []

    def start(printed: str) -> Path:
        server = socket.socket(socket.AF_UNIX)
        server.bind("monitor.sock")
        server.listen()
        threads.append(threading.Thread(target=_answer, args=(server, printed)))
        threads[0].start()
        return directory / "monitor.sock"

    yield start
    for thread in threads:
        thread.join(timeout=10)


def _answer(server: socket.socket, printed: str) -> None:
    connection, _ = server.accept()
    with server, connection, connection.makefile("rw") as stream:
        stream.write('{"QMP": {}}\n')
        stream.flush()
        for line in stream:
            request = json.loads(line)
            human = request["execute"] == "human-monitor-command"
            stream.write('{"event": "RESUME"}\n' + json.dumps({"return": printed if human else {}}) + "\n")
            stream.flush()


def test_a_monitor_command_that_prints_nothing_succeeds(serve: Serve) -> None:
    monitor(serve(""), "savevm booted")


def test_output_of_the_monitor_is_an_error(serve: Serve) -> None:
    with pytest.raises(LabError, match="Snapshot 'booted' does not exist"):
        monitor(serve("Error: Snapshot 'booted' does not exist\r\n"), "loadvm booted")


def test_a_missing_monitor_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="must answer `savevm booted`"):
        monitor(tmp_path / "monitor.sock", "savevm booted")
