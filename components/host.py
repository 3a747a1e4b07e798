"""A node's host: log in once, check what the command plugin can't check, and deliver what the node's commands need.

The command plugin has no time limit once a connection is open, so a frozen host would hang an update forever. Its
errors name neither the node nor a solution.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pulumi

from components import privilege
from components.delivery import STATE, Delivery, shell
from settings import Binary, NodeSettings

TRIES = 3
SECONDS = 10
"""The limit of each try, from the first packet to a completed login."""

PAUSE_SECONDS = 1
"""The pause before the second try; it doubles before the third."""

DELIVERY_SECONDS = 60
UPLOAD_SECONDS = 900


class HostError(Exception):
    """A host that can't be used. The message has the node, what was expected and what to do."""


async def deliver(node: NodeSettings, delivery: Delivery, binary: Binary) -> None:
    """Log in, deliver, and upload the stack's binary unless the node has it. Raises HostError."""
    await _try_agent()
    try:
        async with connect(node) as connection:
            await _deliver(node, connection, await _check_root(node, connection), delivery, binary)
    except asyncssh.PermissionDenied as error:
        raise HostError(_message(node, _denied(node))) from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostError(_message(node, _other_host_key(node))) from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise HostError(_message(node, _unreachable(node, error))) from error


async def _check_root(node: NodeSettings, connection: asyncssh.SSHClientConnection) -> bytes:
    """Return what a command's standard input must begin with. A login as root needs no check."""
    if node.ssh.user == "root":
        return b""
    password = privilege.password_line(node.ssh).encode()

    def failure(reason: str) -> HostError:
        return HostError(_message(node, privilege.denied(node.ssh, reason)))

    # A wrong password counts once: after the line is the end, so sudo has nothing to try again with.
    stdin: dict[str, Any] = {"input": password} if password else {"stdin": asyncssh.DEVNULL}
    check = connection.run(privilege.check_command(node.ssh), **stdin, encoding=None)
    lines = await _answer(check, privilege.ROOT, SECONDS, failure)
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
        f"but {reason}; nothing that runs was changed; fix it, then run pulumi up again"
    )


def _printable(output: bytes | str | None) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    return "".join(char for char in text if char.isprintable() or char == "\n")


async def _try_agent() -> None:
    """Connect to the SSH agent, if there is one.

    The command plugin does so too, although it has a private key, and each of its commands fails if it can't
    (pulumi-command, remote/connection.go).
    """
    if not (path := os.environ.get("SSH_AUTH_SOCK")):
        return
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), SECONDS)
    except OSError as error:
        raise HostError(
            f"host check: SSH_AUTH_SOCK is {path}, where an SSH agent must accept connections: "
            f"{error or 'no answer'}; run unset SSH_AUTH_SOCK or start the agent, then run pulumi up again"
        ) from error
    writer.close()


@asynccontextmanager
async def connect(node: NodeSettings) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Connect to the node's host, which must have the pinned key. Try again if it doesn't answer.

    Raises OSError, TimeoutError or asyncssh.Error.
    """
    for attempt in range(1, TRIES):
        try:
            connection = await asyncio.wait_for(_log_in(node), SECONDS)
            break
        except (asyncssh.PermissionDenied, asyncssh.HostKeyNotVerifiable):
            raise
        except (OSError, asyncssh.Error, TimeoutError):
            await asyncio.sleep(attempt * PAUSE_SECONDS)
    else:
        connection = await asyncio.wait_for(_log_in(node), SECONDS)
    async with connection:
        yield connection


async def _log_in(node: NodeSettings) -> asyncssh.SSHClientConnection:
    ssh = node.ssh
    host_key = asyncssh.import_public_key(ssh.host_key)
    return await asyncssh.connect(
        ssh.host,
        ssh.port,
        username=ssh.user,
        client_keys=[asyncssh.import_private_key(ssh.private_key.get_secret_value())],
        known_hosts=([host_key], [], []),
        server_host_key_algs=[host_key.get_algorithm()],
        agent_path=None,
        config=None,
        password=None,
    )


def _message(node: NodeSettings, text: str) -> str:
    return f"{node.name}: host check: {text}; nothing was changed on the host; run pulumi up again"


def _unreachable(node: NodeSettings, error: BaseException) -> str:
    reason = str(error) or f"no SSH answer within {SECONDS} s"
    return (
        f"{node.ssh.host}:{node.ssh.port} must answer as an SSH server, tried {TRIES} times: {reason}; "
        f"start the host, repair the connection to it, or remove the node from kube-proxy:nodes"
    )


def _other_host_key(node: NodeSettings) -> str:
    return (
        f"{node.ssh.host}:{node.ssh.port} must have the host key {node.ssh.host_key.split()[1][-12:]} "
        f"({asyncssh.import_public_key(node.ssh.host_key).get_fingerprint()}), but it has another one; if the host was "
        f"reinstalled on purpose, set its hostKey to the output of: "
        f"ssh-keyscan -t ed25519 -p {node.ssh.port} {node.ssh.host}"
    )


def _denied(node: NodeSettings) -> str:
    key = asyncssh.import_private_key(node.ssh.private_key.get_secret_value())
    return (
        f"{node.ssh.host}:{node.ssh.port} must accept user {node.ssh.user} with the SSH key {key.get_fingerprint()}; "
        f"add its public key to that user's authorized_keys, or set another key in kube-proxy:ssh"
    )
