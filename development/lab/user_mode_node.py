"""A worker on a machine without KVM: its kernel is user-mode Linux, a program like any other.

It has the image, addresses and keys of the virtual machine in whose place it is. Like that one it loses what it had not
synced when its power is cut. It boots in a few seconds, so its memory isn't kept while the lab is down.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from development.errors import LabError
from development.lab import first_boot, network, node_image, processes, qemu, topology, user_mode_linux
from development.lab.node import Node

DISK = "disk.cow"
"""The changes to the image."""

_FILES, _IMAGE, _KERNEL, _MANAGEMENT, _BOOTED = "first-boot.tar", "image", "kernel", "uml", "booted"
_READY_SECONDS, _PATIENCE_SECONDS = 120.0, 10.0


class UserModeNode(Node):
    """A worker of a lab, with user-mode Linux."""

    @property
    def console(self) -> Path:
        """Return the file with what its console shows."""
        return processes.log_file(self.lab, self.name)

    def start(self) -> None:
        """Boot the node's disk; make one if there is none that has booted completely. Raises LabError if it fails."""
        if self.is_running() and not self._ssh_answers_within(_PATIENCE_SECONDS):
            # After a reboot it has no network: the kernel starts itself again, and can't open its device a second time.
            self.kill()
        if not self.is_running():
            if not (self._directory / _BOOTED).exists():
                self._make_disk()
            shutil.rmtree(self._directory / _MANAGEMENT, ignore_errors=True)
            processes.start(self.lab, self.name, network.inside(self.lab, self._command()), directory=self._directory)
        if not self._ssh_answers_within(_READY_SECONDS):
            raise LabError(f"{self.name}: SSH must answer within {_READY_SECONDS:.0f} s", self.console)
        self._await_complete_boot()
        if not (self._directory / _BOOTED).exists():
            self.run("sync")
            (self._directory / _BOOTED).touch()

    def suspend(self) -> None:
        """Stop the node, with all that it has written; it boots again at its next start."""
        with suppress(LabError):  # without the lab's network it can't be reached, and ends as by a power cut
            self.run("sync", seconds=20)
        self.kill()

    def reset(self) -> None:
        """Make it again: that is as fast as a boot."""
        self.reinstall()

    def reinstall(self) -> None:
        """Replace the node by a new machine with the same name, address and keys."""
        self.kill()
        (self._directory / _BOOTED).unlink(missing_ok=True)
        self.start()

    def _make_disk(self) -> None:
        """Make a fresh disk; the kernel makes the file with its changes to the image."""
        kernel = user_mode_linux.kernel()
        if not kernel.directory.exists():
            raise LabError(f"{self.name}: its kernel must be compiled: run `make prepare`")
        (self._directory / DISK).unlink(missing_ok=True)
        for name, target in ((_IMAGE, node_image.image(self.suite).disk), (_KERNEL, kernel.program)):
            (self._directory / name).unlink(missing_ok=True)
            (self._directory / name).symlink_to(target)
        files = self._directory / _FILES
        files.touch(mode=0o600)
        files.write_bytes(first_boot.archive(self.lab, self.worker, kernel.modules))

    def _command(self) -> Sequence[str | Path]:
        tap = f"tap,ifname={self.name},mac={topology.mac(self.worker.address)}"
        return [
            *("env", f"TMPDIR={user_mode_linux.MEMORY}"),
            self._directory / _KERNEL,
            # Programs run by seccomp, or by ptrace on a machine whose kernel can't.
            "seccomp=auto",
            f"mem={qemu.MEMORY_MIB}M",
            *(f"ubd0={DISK},{_IMAGE}", f"ubd1={_FILES}", "root=/dev/ubda", "rw"),
            f"vec0:transport={tap},depth=128,gro=1",
            # Its console is its output; it has no other terminal, and leaves no files in the user's home directory.
            *("con=null", "con0=null,fd:1", "uml_dir=.", f"umid={_MANAGEMENT}"),
            f"systemd.hostname={self.name}",
        ]
