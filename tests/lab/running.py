"""``pulumi`` under way, as in a terminal of its own: followed line by line, interrupted, or gone with its machine."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from development.lab.node import Node

# Every SSH session of root's without a terminal but this one's own; the server itself goes on.
_CUT_CONNECTIONS = """\
for process in $(pgrep -x sshd); do
    case $(tr '\\0' ' ' </proc/$process/cmdline) in
        *@notty*) [ $process = $PPID ] || kill -KILL $process ;;
    esac
done
"""


def cut_connections(node: Node) -> None:
    """Ends every deployment's connection on a node's side; what it has started there goes on alone."""
    node.run("exec sh", stdin=_CUT_CONNECTIONS.encode())


class Running:
    """A command in a session of its own, which its plugins stay in though they have process groups of their own.

    All that it prints is added to its log at once.
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
    def text(self) -> str:
        """All that it has printed so far."""
        return "\n".join(self.lines)

    def says(self, text: str, seconds: float = 600) -> bool:
        """Waits for a line with the text; False where it ends, or the time does, without one."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._has(text), seconds)
            return self._has(text)

    def ends(self, seconds: float = 600) -> int | None:
        """Waits for its end and returns its status; None where it goes on for longer."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._follower.join(1)  # what it has started may live on and keep the output open
        return status

    def interrupt(self) -> None:
        """What Ctrl-C does: a signal to pulumi alone, its plugins have process groups of their own."""
        self._process.send_signal(signal.SIGINT)

    def freeze(self) -> None:
        """As if its machine had lost its network: nothing is said on its connections any more, and nothing heard."""
        self._signal_session(signal.SIGSTOP)

    def kill(self) -> None:
        """As if its machine had lost its power."""
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
        """Signals every process of the session; False where none is left."""
        members = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _session(path) == self._process.pid]
        for member in members:
            try:
                os.kill(member, number)
            except ProcessLookupError:
                continue
        return bool(members)


def _session(process: Path) -> int | None:
    """Returns a live process's session (proc(5), stat's sixth field, counted after the program's name in brackets)."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[3])
