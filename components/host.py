"""A node's host: log in once, check what the command plugin can't check, and deliver what the node's commands need.

The command plugin has no time limit once a connection is open, so a frozen host would hang an update forever. Its
errors name neither the node nor a solution.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncssh
import pulumi

from components import privilege
from components.connection import HostError, connect, refused
from components.delivery import STATE, Delivery, shell
from settings import Binary, NodeSettings

DELIVERY_SECONDS = 60
UPLOAD_SECONDS = 900

PACKET: Final = 1 << 15
"""Bytes of an upload's packets: the most that sshd takes. asyncssh's default, 8 KiB, takes twice the processor time."""

MOST_OUTPUT: Final = 1 << 20
"""Bytes of each of a command's two outputs. Ours print little, but a login may print anything."""


@dataclass(frozen=True)
class Answer:
    """What a command has printed, as printable lines, and its exit status, which is None if the connection was lost."""

    lines: list[str]
    errors: list[str]
    status: int | None

    @property
    def printed(self) -> str:
        """The end of what was printed, on one line, for a message."""
        return " ".join(" ".join(self.errors or self.lines).split())[-300:] or f"nothing, exit status {self.status}"


async def deliver(node: NodeSettings, delivery: Delivery, binary: Binary) -> None:
    """Log in, deliver, and upload the stack's binary unless the node has it. Raises HostError."""
    async with connect(node) as connection:
        await _deliver(node, connection, await check_root(node, connection), delivery, binary)


async def check_root(node: NodeSettings, connection: asyncssh.SSHClientConnection) -> bytes:
    """Return what a command's standard input must begin with. A login as root needs no check."""
    if node.ssh.user == "root":
        return b""
    password = privilege.password_line(node.ssh).encode()

    def failure(reason: str) -> HostError:
        return refused(node, privilege.denied(node.ssh, reason))

    # A wrong password counts once: after the line is the end, so sudo has nothing to try again with.
    check = run(connection, privilege.check_command(node.ssh), password)
    lines = await _answer(check, privilege.ROOT, DELIVERY_SECONDS, failure)
    return b"" if privilege.UNASKED in lines else password


async def run(connection: asyncssh.SSHClientConnection, command: str, stdin: bytes) -> Answer:
    """Run a command with this standard input. Raises OSError if it prints too much, and asyncssh.Error."""
    process = await connection.create_process(command, encoding=None)
    with suppress(OSError):  # it has ended already, and its output says why
        process.stdin.write(stdin)
        process.stdin.write_eof()
    return await _wait(process)


async def _wait(process: "asyncssh.SSHClientProcess[bytes]") -> Answer:
    try:
        output, errors = await asyncio.gather(_read(process.stdout), _read(process.stderr))
    except asyncssh.ConnectionLost:
        return Answer([], [], None)
    await process.wait_closed()
    return Answer(_printable(output), _printable(errors), process.returncode)


async def _read(reader: asyncssh.SSHReader[bytes]) -> bytes:
    output = b""
    while part := await reader.read(1 << 16):
        output += part
        if len(output) > MOST_OUTPUT:
            raise OSError(f"the host printed more than {MOST_OUTPUT >> 20} MiB")
    return output


async def _deliver(
    node: NodeSettings, connection: asyncssh.SSHClientConnection, first: bytes, delivery: Delivery, binary: Binary
) -> None:
    """The node answers with `delivered DIGEST`, and with `binary: missing` if the stack's binary must be uploaded."""
    undelivered = partial(_undelivered, node)
    digest = next(iter(binary.sha256.values())) if binary.path else ""
    command = shell(node.ssh, "deliver.sh", str(STATE), delivery.digest, digest)
    deliver_archive = run(connection, command, first + delivery.archive())
    lines = await _answer(deliver_archive, f"delivered {delivery.digest}", DELIVERY_SECONDS, undelivered)
    if binary.path and "binary: missing" in lines:
        pulumi.log.info(f"{node.name}: uploading {binary.path.name} ({binary.path.stat().st_size >> 20} MiB)")
        command = shell(node.ssh, "receive_upload.sh", str(STATE), digest)
        await _answer(
            _upload(connection, command, first, binary.path), f"received {digest}", UPLOAD_SECONDS, undelivered
        )


async def _upload(connection: asyncssh.SSHClientConnection, command: str, first: bytes, path: Path) -> Answer:
    process = await connection.create_process(command, encoding=None)
    process.stdin.write(first)
    await process.redirect(stdin=str(path), bufsize=PACKET)
    return await _wait(process)


async def _answer(
    running: Awaitable[Answer],
    expected: str,
    seconds: int,
    failure: Callable[[str], HostError],
) -> list[str]:
    """Return the lines of the answer. Without the expected one, raise the failure with what has come instead."""
    try:
        answer = await asyncio.wait_for(running, seconds)
    except (OSError, asyncssh.Error) as error:
        raise failure(str(error) or f"the host did not answer within {seconds} s") from error
    if answer.status is None:
        raise failure("the connection was lost")
    if answer.status != 0 or expected not in answer.lines:
        raise failure(f"the host printed: {answer.printed}")
    return answer.lines


def _undelivered(node: NodeSettings, reason: str) -> HostError:
    must = (
        f"user {node.ssh.user} must be able to write to {STATE} with /bin/sh, tar and gzip, "
        f"from a login shell that runs commands, but {reason}"
    )
    rest = "nothing that runs was changed; fix it, then run pulumi up again"
    return HostError(f"{node.name}: delivery: {must}; {rest}", must)


def _printable(output: bytes) -> list[str]:
    text = output.decode(errors="replace")
    return "".join(char for char in text if char.isprintable() or char == "\n").splitlines()
