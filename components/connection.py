"""Connections to nodes, directly or through a bastion, with limits and with errors that say what to do."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import asyncssh

from settings import SSH, NodeSettings
from settings.addresses import host_and_port

TRIES = 3
SECONDS = 10
"""The limit of each try, from the first packet to a completed login."""

PAUSE_SECONDS = 1
"""The pause before the second try; it doubles before the third."""


class HostError(Exception):
    """A host that can't be used. The message has the node, what was expected and what to do."""


class LoginError(Exception):
    """A login that failed. The message has the host, what was expected and what to do, but not the node."""


_Connecting = asyncio.Task[asyncssh.SSHClientConnection]

_bastions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SSH, _Connecting]] = WeakKeyDictionary()
"""One connection to each bastion for all nodes: sshd limits the logins at a time (MaxStartups), not the tunnels."""


@asynccontextmanager
async def connect(node: NodeSettings) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Connect to the node's host, which must have the pinned key. Try again if it doesn't answer.

    Raises HostError.
    """
    await _try_agent()
    try:
        connection = await _log_in(node.ssh)
    except LoginError as error:
        raise HostError(message(node, str(error))) from error
    async with connection:
        yield connection


def message(node: NodeSettings, text: str) -> str:
    """Return the text of a HostError from before the first change."""
    return f"{node.name}: host check: {text}; nothing was changed on the host; run pulumi up again"


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


async def _log_in(ssh: SSH) -> asyncssh.SSHClientConnection:
    """Raises LoginError. A login that is refused is not tried again."""
    error: BaseException
    for attempt in range(TRIES):
        await asyncio.sleep(attempt * PAUSE_SECONDS)
        tunnel = await _bastion(ssh.bastion) if ssh.bastion else None
        try:
            return await asyncio.wait_for(_try_to_log_in(ssh, tunnel), SECONDS)
        except asyncssh.PermissionDenied as refused:
            raise LoginError(_denied(ssh)) from refused
        except asyncssh.HostKeyNotVerifiable as other:
            raise LoginError(_other_host_key(ssh)) from other
        except (OSError, asyncssh.Error, TimeoutError) as failed:
            error = failed
    raise LoginError(_unreachable(ssh, error)) from error


async def _bastion(ssh: SSH) -> asyncssh.SSHClientConnection:
    """Return the connection to a bastion. A login that has failed for one node fails for all, without another try."""
    connecting = _bastions.setdefault(asyncio.get_running_loop(), {})
    if not (task := connecting.get(ssh)) or (task.done() and not task.exception() and task.result().is_closed()):
        task = connecting[ssh] = asyncio.create_task(_log_in(ssh))
    try:
        return await asyncio.shield(task)
    except LoginError as error:
        raise LoginError(f"bastion: {error}") from error


async def _try_to_log_in(ssh: SSH, tunnel: asyncssh.SSHClientConnection | None) -> asyncssh.SSHClientConnection:
    host_key = asyncssh.import_public_key(ssh.host_key)
    return await asyncssh.connect(
        ssh.host,
        ssh.port,
        tunnel=tunnel or (),
        username=ssh.user,
        client_keys=[asyncssh.import_private_key(ssh.private_key.get_secret_value())],
        known_hosts=([host_key], [], []),
        server_host_key_algs=[host_key.get_algorithm()],
        agent_path=None,
        config=None,
        password=None,
    )


def _at(ssh: SSH) -> str:
    return host_and_port(ssh.host, ssh.port)


def _unreachable(ssh: SSH, error: BaseException) -> str:
    reason = str(error) or f"no SSH answer within {SECONDS} s"
    tried = f"tried {TRIES} times: {reason}; start the host, repair the connection to it"
    if ssh.bastion and isinstance(error, asyncssh.ChannelOpenError):
        return (
            f"{_at(ssh)} must be reachable from the bastion {_at(ssh.bastion)}, {tried}, or allow user "
            f"{ssh.bastion.user} to forward to it (sshd_config of the bastion: AllowTcpForwarding, PermitOpen)"
        )
    to_whom = f" to the bastion {_at(ssh.bastion)}" if ssh.bastion else ""
    return f"{_at(ssh)} must answer as an SSH server{to_whom}, {tried}, or remove it from the configuration"


def _other_host_key(ssh: SSH) -> str:
    return (
        f"{_at(ssh)} must have the host key {ssh.host_key.split()[1][-12:]} "
        f"({asyncssh.import_public_key(ssh.host_key).get_fingerprint()}), but it has another one; if the host was "
        f"reinstalled on purpose, set its hostKey to the output of: ssh-keyscan -t ed25519 -p {ssh.port} {ssh.host}"
    )


def _denied(ssh: SSH) -> str:
    key = asyncssh.import_private_key(ssh.private_key.get_secret_value())
    return (
        f"{_at(ssh)} must accept user {ssh.user} with the SSH key {key.get_fingerprint()}; "
        "add its public key to that user's authorized_keys, or set another key in kube-proxy:ssh"
    )
