"""A node's host: log in once, check what the command plugin can't check, and deliver what the node's commands need.

The command plugin has no time limit once a connection is open, so a frozen host would hang an update forever. Its
errors name neither the node nor a solution.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pulumi

from components import privilege
from components.connection import HostError, connect, message
from components.delivery import STATE, Delivery, shell
from settings import Binary, NodeSettings

DELIVERY_SECONDS = 60
UPLOAD_SECONDS = 900


async def deliver(node: NodeSettings, delivery: Delivery, binary: Binary) -> None:
    """Log in, deliver, and upload the stack's binary unless the node has it. Raises HostError."""
    async with connect(node) as connection:
        await _deliver(node, connection, await _check_root(node, connection), delivery, binary)


async def _check_root(node: NodeSettings, connection: asyncssh.SSHClientConnection) -> bytes:
    """Return what a command's standard input must begin with. A login as root needs no check."""
    if node.ssh.user == "root":
        return b""
    password = privilege.password_line(node.ssh).encode()

    def failure(reason: str) -> HostError:
        return HostError(message(node, privilege.denied(node.ssh, reason)))

    # A wrong password counts once: after the line is the end, so sudo has nothing to try again with.
    stdin: dict[str, Any] = {"input": password} if password else {"stdin": asyncssh.DEVNULL}
    check = connection.run(privilege.check_command(node.ssh), **stdin, encoding=None)
    lines = await _answer(check, privilege.ROOT, DELIVERY_SECONDS, failure)
    return b"" if privilege.UNASKED in lines else password


async def _deliver(
    node: NodeSettings, connection: asyncssh.SSHClientConnection, first: bytes, delivery: Delivery, binary: Binary
) -> None:
    """The node answers with `delivered DIGEST`, and with `binary: missing` if the stack's binary must be uploaded."""
    undelivered = partial(_undelivered, node)
    digest = next(iter(binary.sha256.values())) if binary.path else ""
    deliver_archive = connection.run(
        shell(node.ssh, "deliver.sh", str(STATE), delivery.digest, digest),
        input=first + delivery.archive(),
        encoding=None,
    )
    lines = await _answer(deliver_archive, f"delivered {delivery.digest}", DELIVERY_SECONDS, undelivered)
    if binary.path and "binary: missing" in lines:
        pulumi.log.info(f"{node.name}: uploading {binary.path.name} ({binary.path.stat().st_size >> 20} MiB)")
        command = shell(node.ssh, "receive_binary.sh", str(STATE), digest)
        await _answer(
            _upload(connection, command, first, binary.path), f"received {digest}", UPLOAD_SECONDS, undelivered
        )


async def _upload(
    connection: asyncssh.SSHClientConnection, command: str, first: bytes, path: Path
) -> asyncssh.SSHCompletedProcess:
    process = await connection.create_process(command, encoding=None)
    process.stdin.write(first)
    await process.redirect(stdin=str(path))
    return await process.wait()


async def _answer(
    run: Coroutine[Any, Any, asyncssh.SSHCompletedProcess],
    expected: str,
    seconds: int,
    failure: Callable[[str], HostError],
) -> list[str]:
    """Return the lines of the answer. Without the expected one, raise the failure with what has come instead."""
    try:
        completed = await asyncio.wait_for(run, seconds)
    except (OSError, asyncssh.Error) as error:
        raise failure(str(error) or f"the host did not answer within {seconds} s") from error
    lines, errors = (_printable(text) for text in (completed.stdout, completed.stderr))
    if completed.returncode is None:
        raise failure("the connection was lost")
    if completed.returncode != 0 or expected not in lines.splitlines():
        printed = " ".join((errors or lines).split())[-300:] or f"nothing, exit status {completed.returncode}"
        raise failure(f"the host printed: {printed}")
    return lines.splitlines()


def _undelivered(node: NodeSettings, reason: str) -> HostError:
    return HostError(
        f"{node.name}: delivery: user {node.ssh.user} must be able to write to {STATE} with /bin/sh, tar and gzip, "
        f"from a login shell that runs commands, but {reason}; "
        "nothing that runs was changed; fix it, then run pulumi up again"
    )


def _printable(output: bytes | str | None) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    return "".join(char for char in text if char.isprintable() or char == "\n")
