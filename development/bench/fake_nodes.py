"""Nodes that only answer: one SSH server for hundreds of them, in a process of its own.

It listens on all loopback addresses, each of which is a node. It reads each command's standard input to its end. It
confirms a delivery (scripts/deliver.sh), answers `activate` with a report and all else with nothing, and counts.
"""

import asyncio
import json
import resource
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

REPORT = """\
generation: 0123456789abcdef
active: true
enabled: true
version: 1.36.2
mode: nftables
listeners: ["192.168.99.141:10256", "192.168.99.141:10249"]
kubernetesService: 10.0.0.1:443
request: answered
"""


@dataclass
class Counts:
    """What all nodes together have seen."""

    logins: int = 0
    commands: int = 0
    reports: int = 0


class FakeNodes:
    """A context manager that runs the server. The directory gets the key that logs in.

    `launcher` comes before its command.
    """

    def __init__(self, directory: Path, launcher: Sequence[str] = ()) -> None:
        self._directory, self._launcher = directory, launcher

    @property
    def private_key(self) -> Path:
        """Return the file of the key that all nodes accept."""
        return self._directory / "id_ed25519"

    def __enter__(self) -> Self:
        allow_many_connections()
        command = [*self._launcher, sys.executable, "-m", "development.bench.fake_nodes", str(self._directory)]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._port, self._host_key = self._ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def counts(self) -> Counts:
        """Return what the nodes have seen until now."""
        assert self._process.stdin  # noqa: S101 - for mypy
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counts(**self._ask())

    def inventory(self, count: int) -> list[dict[str, object]]:
        """Return nodes for `kube-proxy:nodes`."""
        numbers = [divmod(number, 250) for number in range(count)]
        return [
            {
                "name": f"n{high * 250 + low + 1:04}",
                "address": f"10.88.{high}.{low + 1}",
                "hostKey": self._host_key,
                "ssh": {"host": f"127.88.{high}.{low + 1}", "port": self._port},
            }
            for high, low in numbers
        ]

    def _ask(self) -> Any:
        assert self._process.stdout  # noqa: S101 - for mypy
        return json.loads(self._process.stdout.readline())


def allow_many_connections() -> None:
    """Raise this process's limit of open files, and that of its children, as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(directory: Path) -> None:
    counts = Counts()

    class Server(asyncssh.SSHServer):
        def auth_completed(self) -> None:
            counts.logins += 1

    async def answer(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        counts.commands += 1
        await process.stdin.read()
        match shlex.split(process.command or ""):
            case [*_, "activate"]:
                counts.reports += 1
                process.stdout.write(REPORT.encode())
            case ["exec", "/bin/sh", "-c", _, _, _, digest, _]:
                process.stdout.write(f"delivered {digest}\n".encode())
        process.exit(0)

    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    client_key.write_private_key(directory / "id_ed25519")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        listener.bind(("", 0))
        await asyncssh.listen(
            sock=listener,
            backlog=4096,
            server_factory=Server,
            process_factory=answer,
            encoding=None,
            server_host_keys=[host_key],
            authorized_client_keys=asyncssh.import_authorized_keys(client_key.export_public_key().decode()),
            login_timeout=600,
        )
        _print([listener.getsockname()[1], host_key.export_public_key().decode().strip()])
        while await asyncio.to_thread(sys.stdin.readline):
            _print(asdict(counts))


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    allow_many_connections()
    asyncio.run(_serve(Path(sys.argv[1])))
