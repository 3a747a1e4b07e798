"""Is a node's host the one that the stack means, and does it let us in? Asked before the engine commits to it.

The command plugin has no time limit once a connection is open (a frozen host would hang an update for ever) and says
neither which node nor what to do. So a hook tries the host first, only when its first command really is about to run:
never in a preview, never where nothing changes.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pulumi
from pulumi import ResourceHookArgs

from components.connection_loop import run_apart
from settings import NodeSettings

TRIES = 3
SECONDS = 10
"""Each try's limit, from the first packet to a completed login."""

PAUSE_SECONDS = 1
"""Before the second try; twice that before the third."""


class HostError(Exception):
    """A host that can't be used; the message says which node, what was expected and what to do."""


def host_check(node: NodeSettings) -> pulumi.ResourceHook:
    """Returns the hook that tries the node's host once in a run: for before its commands are created or updated."""
    answered: list[NodeSettings] = []

    async def check(_: ResourceHookArgs) -> None:
        if not answered:
            await run_apart(try_host(node))
            answered.append(node)

    return pulumi.ResourceHook(f"host-{node.name}", check)


async def try_host(node: NodeSettings) -> None:
    """Log in once and out again. Raise HostError if that, or what the command plugin will do, is impossible."""
    await _try_agent()
    try:
        async with connect(node):
            pass
    except asyncssh.PermissionDenied as error:
        raise HostError(_message(node, _denied(node))) from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostError(_message(node, _other_host_key(node))) from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise HostError(_message(node, _unreachable(node, error))) from error


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
    """A connection to the node's host, which must have the pinned key; a host that doesn't answer is tried again.

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
        login_timeout=SECONDS,
    )


def _message(node: NodeSettings, text: str) -> str:
    return f"{node.name}: host check: {text}; nothing was changed on it; then run pulumi up again"


def _unreachable(node: NodeSettings, error: BaseException) -> str:
    reason = str(error) or f"no SSH answer within {SECONDS} s"
    return (
        f"{node.ssh.host}:{node.ssh.port} must answer as an SSH server, tried {TRIES} times: {reason}; "
        f"start the host or mend the way to it, or take the node out of kube-proxy:nodes"
    )


def _other_host_key(node: NodeSettings) -> str:
    return (
        f"{node.ssh.host}:{node.ssh.port} must have the host key {node.ssh.host_key.split()[1][-12:]} "
        f"({asyncssh.import_public_key(node.ssh.host_key).get_fingerprint()}), it has another one; if the host was "
        f"reinstalled on purpose, set its hostKey to the output of: "
        f"ssh-keyscan -t ed25519 -p {node.ssh.port} {node.ssh.host}"
    )


def _denied(node: NodeSettings) -> str:
    key = asyncssh.import_private_key(node.ssh.private_key.get_secret_value())
    return (
        f"{node.ssh.host}:{node.ssh.port} must let user {node.ssh.user} in with the SSH key {key.get_fingerprint()}; "
        f"add its public key to that user's authorized_keys, or set another key in kube-proxy:ssh"
    )
