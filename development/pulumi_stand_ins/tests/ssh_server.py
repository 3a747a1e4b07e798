"""A real sshd on loopback, for the user who runs the tests."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
{host_keys}
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
LogLevel VERBOSE
Subsystem sftp internal-sftp
{extra}
"""


class SshServer:
    """A context manager that runs sshd and counts its connections."""

    def __init__(self, directory: Path, host_keys: tuple[str, ...] = ("ed25519",), extra: str = "") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        for kind in host_keys:
            generate_key(directory / f"host_{kind}", kind)
        self.private_key = generate_key(directory / "user", "ed25519")
        shutil.copy(directory / "user.pub", directory / "authorized_keys")
        (directory / "sshd_config").write_text(
            _CONFIGURATION.format(
                port=self.port,
                directory=directory,
                host_keys="\n".join(f"HostKey {directory}/host_{kind}" for kind in host_keys),
                extra=extra,
            )
        )

    def __enter__(self) -> Self:
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert sshd is not None, "sshd must be installed: Debian's openssh-server"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._log = (self.directory / "log").open("w")
        self._process = subprocess.Popen(
            [sshd, "-D", "-e", "-f", self.directory / "sshd_config"], stderr=self._log, stdin=subprocess.DEVNULL
        )
        eventually(lambda: "Server listening" in self.log())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    def host_key(self, kind: str = "ed25519") -> str:
        return (self.directory / f"host_{kind}.pub").read_text()

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def logins(self) -> int:
        return len(re.findall(r"Accepted publickey", self.log()))

    def connections(self) -> int:
        return len(re.findall(r"Connection from", self.log()))

    def open_connections(self) -> int:
        """Count the established TCP connections on the server's side. The kernel may list one twice while others change."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        established = "01"
        return len({row[2] for row in rows if row[1].endswith(f":{self.port:04X}") and row[3] == established})

    def connection(self, **inputs: Any) -> dict[str, Any]:
        """Return the input `connection` for this server, as the SDK sends it."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "privateKey": self.private_key,
            "hostKey": self.host_key(),
            "dialErrorLimit": 0,
            "perDialTimeout": 15,
        } | inputs


def generate_key(path: Path, kind: str) -> str:
    """Write a new key pair to `path` and `path`.pub. Return the private key in OpenSSH's format."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path], check=True)
    return path.read_text()


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition must become true in time"
        time.sleep(0.02)
