"""A worker node: a virtual machine that starts, stops, returns to its clean first boot, and runs commands.

The snapshot `booted` has the node's disk and memory after its first boot, `suspended` those of `make down`. A restore
takes about two seconds, a boot without KVM fifteen to twenty.
"""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from development.errors import LabError
from development.lab import disk, first_boot, loopback, network, node_image, processes, qemu, qmp, ssh
from development.lab.loopback import SSH_PORT
from development.lab.topology import Worker
from development.paths import Lab

BOOTED = "booted"
SUSPENDED = "suspended"
_BOOT_SECONDS = 600.0
_RESET_SECONDS, _TRIES = 240.0, 3
"""An emulated processor may lose its timer interrupt. Such a boot hangs forever; a reset helps."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Node:
    """A worker of a lab."""

    lab: Lab
    worker: Worker
    suite: str = node_image.SUITE
    """The Debian that a new disk gets; a disk that exists keeps its own."""

    @property
    def name(self) -> str:
        """Return the node's name."""
        return self.worker.name

    @property
    def console(self) -> Path:
        """Return the file with what its console shows."""
        return self._directory / qemu.CONSOLE

    @property
    def _directory(self) -> Path:
        return self.lab.node(self.name)

    def is_running(self) -> bool:
        """Tell whether the virtual machine runs."""
        return processes.find(self.lab, self.name) is not None

    def start(self) -> None:
        """Resume the node if it was suspended, else boot its disk, which is made if there is none.

        This also completes an interrupted start.
        """
        snapshots, running = self._snapshots(), self.is_running()
        if running and snapshots == {BOOTED} and self._ssh_answers():
            return
        if not running:
            if BOOTED not in snapshots:
                self._make_disk()
            self._run_machine(SUSPENDED if SUSPENDED in snapshots else None)
        self._await_ssh()
        self._await_true_clock()
        self._set_clock()
        if BOOTED not in snapshots:
            self._await_complete_boot()
            self._save(BOOTED)
        if SUSPENDED in snapshots:
            self._monitor(f"delvm {SUSPENDED}")  # or the next start after a power cut would restore it

    def suspend(self) -> None:
        """Stop the node and keep its memory. One that never booted completely is made again at its next start."""
        if self.is_running() and BOOTED in self._snapshots():
            self._save(SUSPENDED)
        self.kill()

    def reset(self) -> None:
        """Restore the node's clean first boot, with its clock set to now."""
        snapshots = self._snapshots()
        if BOOTED not in snapshots:
            self.start()
            return
        if self.is_running():
            ssh.disconnect(self.lab, self.name)
            self._monitor(f"loadvm {BOOTED}")
        else:
            self._run_machine(BOOTED)
        self._await_ssh()
        self._set_clock()
        if SUSPENDED in snapshots:
            self._monitor(f"delvm {SUSPENDED}")

    def reinstall(self) -> None:
        """Replace the node by a new machine with the same name, address and keys."""
        self.kill()
        disk.remove(self._directory)
        self.start()

    def kill(self) -> None:
        """Cut the node's power: it loses what it had not synced to its disk."""
        processes.stop(self.lab, self.name, signal.SIGKILL)
        ssh.disconnect(self.lab, self.name)

    def run(self, command: str, stdin: bytes = b"", seconds: float = 120) -> str:
        """Run a command on the node as root and return its output.

        Raises LabError with its last line when it fails, and when it takes longer than `seconds`.
        """
        return ssh.run(self.lab, self.name, command, stdin, seconds)

    def _snapshots(self) -> set[str]:
        return disk.snapshots(self._directory)

    def _make_disk(self) -> None:
        disk.make(self._directory, node_image.image(self.suite))
        files = self._directory / qemu.FILES
        files.touch(mode=0o600)
        files.write_bytes(first_boot.archive(self.lab, self.worker))

    def _run_machine(self, snapshot: str | None) -> None:
        command = qemu.command(self.worker, disk.image(self._directory), snapshot)
        processes.start(self.lab, self.name, network.inside(self.lab, command), directory=self._directory)

    def _save(self, snapshot: str) -> None:
        ssh.disconnect(self.lab, self.name)
        self._monitor(f"savevm {snapshot}")

    def _monitor(self, command_line: str) -> None:
        qmp.monitor(self._directory / qemu.MONITOR, command_line)

    def _await_true_clock(self) -> None:
        """Boot again where the node's clock runs too fast or too slow.

        The kernel measures the processor's clock while it boots, and may be wrong by far if the emulation is held up
        then. Raises LabError when that happens again and again.
        """
        for _ in range(3):
            if 0.5 < self._clock_speed() < 2:
                return
            ssh.disconnect(self.lab, self.name)
            self._monitor("system_reset")
            self._await_ssh()
        raise LabError(f"{self.name}: the clock must run as fast as this machine's", self.console)

    def _clock_speed(self) -> float:
        def look() -> tuple[float, float]:
            uptime = float(self.run("cat /proc/uptime").split()[0])
            return time.monotonic(), uptime

        began, first = look()
        time.sleep(1)
        ended, last = look()
        return (last - first) / (ended - began)

    def _set_clock(self) -> None:
        """Set the node's clock. It has the snapshot's time after a restore, and lags by a second or two after a boot.

        Otherwise a certificate issued now wouldn't be valid there yet. The time is sent once the connection is open:
        opening it takes a second.
        """
        command = ssh.command(self.lab, self.name, "echo ready; read now; date --utc --set=@$now")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as remote:
            if remote.stdout and remote.stdout.readline():
                remote.communicate(f"{time.time():.3f}\n")
        if remote.returncode:
            raise LabError(f"{self.name}: the clock must be set over SSH", self.console)

    def _await_ssh(self) -> None:
        """Wait for the node's SSH server; reset the node when its boot hangs.

        Raises LabError when the machine ends or doesn't answer in time.
        """
        for tried in range(_TRIES):
            if tried:
                self._monitor("system_reset")
            if self._ssh_answers_within(_RESET_SECONDS):
                return
        raise LabError(f"{self.name}: SSH must answer within {_RESET_SECONDS:.0f} s after a reset", self.console)

    def _ssh_answers_within(self, seconds: float) -> bool:
        """Wait for the SSH server, and tell whether it answers in time. Raises LabError when the machine ends."""
        deadline = time.monotonic() + seconds
        while not self._ssh_answers():
            if not self.is_running():
                raise LabError(f"{self.name}: the machine ended", processes.log_file(self.lab, self.name))
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _ssh_answers(self) -> bool:
        """Tell whether an SSH server greets. A connection alone proves nothing: the port forwarder accepts it."""
        try:
            endpoint = (loopback.choose(self.lab).of(self.worker.address), SSH_PORT)
            with socket.create_connection(endpoint, timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _await_complete_boot(self) -> None:
        try:
            self.run("systemctl is-system-running --wait", seconds=_BOOT_SECONDS)
        except LabError as error:
            failed = self.run("systemctl --failed --plain --no-legend")
            raise LabError(f"{self.name}: no unit may fail at boot: {failed}", self.console) from error
