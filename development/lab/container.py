"""A worker without a kernel of its own: a container with systemd, many times faster than an emulated machine.

It has the image, addresses and keys of the virtual machine in whose place it is, and keeps its files when it is killed.
It can't load kernel modules, and this machine's kernel may lack IPVS. It ends when it reboots. Only root can start it.
"""

import signal
from collections.abc import Sequence
from pathlib import Path

from development import commands, control_groups
from development.errors import LabError
from development.lab import first_boot, loopback, network, node_image, processes, ssh, topology
from development.lab.node import Node

_SCRIPT = Path(__file__).with_suffix(".sh")
_READY_SECONDS = 120.0


class Container(Node):
    """A worker of a lab, as a container."""

    @property
    def console(self) -> Path:
        """Return the file with the output of its boot."""
        return processes.log_file(self.lab, self.name)

    def start(self) -> None:
        """Start the container, which is made if there is none, and wait until it is up. Raises LabError if it isn't."""
        if not self.is_running():
            self._unpack()
            processes.start(self.lab, self.name, self._command(), directory=self._directory)
        if not self._ssh_answers_within(_READY_SECONDS):
            raise LabError(f"{self.name}: SSH must answer within {_READY_SECONDS:.0f} s", self.console)
        self._await_complete_boot()

    def reset(self) -> None:
        """Make it again; that is as fast as a boot."""
        self.reinstall()

    def reinstall(self) -> None:
        """Replace it by a new one with the same name, address and keys."""
        self.kill()
        commands.run(["rm", "-rf", self._own, self._directory / "work"])
        self.start()

    def suspend(self) -> None:
        """Kill it: a container has no memory to keep."""
        self.kill()

    def kill(self) -> None:
        """End all its processes at once."""
        processes.stop(self.lab, self.name, signal.SIGKILL)
        ssh.disconnect(self.lab, self.name)
        control_groups.remove(self._control_group)

    @property
    def _control_group(self) -> str:
        return f"kube-proxy-lab-{loopback.choose(self.lab).prefix}-{self.name}"

    @property
    def _own(self) -> Path:
        return self._directory / "own"

    def _unpack(self) -> None:
        """Put the node's own files in place, as a virtual machine does at its first boot."""
        self._own.mkdir(exist_ok=True)
        commands.run(["tar", "-C", self._own, "-xf", "-"], stdin=first_boot.archive(self.lab, self.worker))

    def _command(self) -> Sequence[str | Path]:
        """Return the command that runs it; its namespaces, and all its processes, end with the command."""
        namespaces = [f"--net={network.namespace(self.lab)}", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        disk, group = node_image.image(self.suite).disk, control_groups.group(self._control_group)
        arguments = [self.name, disk, group, topology.mac(self.worker.address), first_boot.INTERFACE]
        return ["nsenter", *namespaces, "--mount-proc", "sh", _SCRIPT, *map(str, arguments)]
