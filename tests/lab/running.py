"""A running ``pulumi``: its output is read line by line; it can be interrupted, frozen or killed with all its plugins."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from development.lab.node import Node

# Kills each SSH session of root without a terminal, except the one that runs this. The server itself stays.
_CUT_CONNECTIONS = """\
for process in $(pgrep -x sshd); do
    case $(tr '\\0' ' ' </proc/$process/cmdline) in
        *@notty*) [ $process = $PPID ] || kill -KILL $process ;;
    esac
done
"""


def cut_connections(node: Node) -> None:
    """Closes all SSH connections of deployments on a node; the commands that they started go on."""
    node.run("exec sh", stdin=_CUT_CONNECTIONS.encode())


class Running:
    """A command in a new session. Its plugins have their own process groups and stay in that session.

    Its output is written to its log line by line.
    """

    def __init__(self, command: Sequence[str], directory: Path, environment: Mapping[str, str], log: Path) -> None:
        self.lines: list[str] = []
        self._log = log
        self._changed = threading.Condition()
        self._ended = False
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    @property
    def output(self) -> str:
        """Returns all output so far."""
        return "\n".join(self.lines)

    def await_line(self, text: str, seconds: float = 600) -> bool:
        """Waits for a line with the text. Returns False if the command or the time ends first."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._has(text), seconds)
            return self._has(text)

    def await_end(self, seconds: float = 600) -> int | None:
        """Waits for the end and returns the exit status; None if the command still runs after this time."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._follower.join(1)  # a child that outlives the command keeps the output open
        return status

    def interrupt(self) -> None:
        """Sends SIGINT as Ctrl-C does: to pulumi alone, since its plugins have their own process groups."""
        self._process.send_signal(signal.SIGINT)

    def freeze(self) -> None:
        """Stops all processes, as if the machine had lost its network: its connections stay open and silent."""
        self._signal_session(signal.SIGSTOP)

    def kill(self) -> None:
        """Kills all processes, as if the machine had lost its power."""
        deadline = time.monotonic() + 10
        while self._signal_session(signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._process.wait()

    def _follow(self) -> None:
        with self._log.open("a", buffering=1) as log:
            for line in self._process.stdout or ():
                log.write(line)
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _has(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def _signal_session(self, number: signal.Signals) -> bool:
        """Sends a signal to each process of the session. Returns False if none is left."""
        members = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _session(path) == self._process.pid]
        for member in members:
            try:
                os.kill(member, number)
            except ProcessLookupError:
                continue
        return bool(members)


def _session(process: Path) -> int | None:
    """Returns the session of a live process: the sixth field of proc(5) stat, counted after the name in brackets."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[3])
