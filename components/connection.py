"""Connections to nodes, directly or through a bastion, with limits and with errors that say what to do."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from weakref import WeakKeyDictionary

import asyncssh

from settings import SSH, NodeSettings
from settings.addresses import host_and_port

TRIES = 3
SECONDS = 10
"""The limit of each try, from the first packet to a completed login."""

AGENT_SECONDS = 60
"""The same, for a key of the agent: someone may have to touch it."""

PAUSE_SECONDS = 1
"""The pause before the second try; it doubles before the third."""


class HostError(Exception):
    """A host that can't be used. The message has the node, what was expected and what to do.

    `reason` is the same without the node, and without what a run of Pulumi adds.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class LoginError(Exception):
    """A login that failed. The message has the host, what was expected and what to do, but not the node."""


_Keys = list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair]
_Connecting = asyncio.Task[asyncssh.SSHClientConnection]

_bastions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SSH, _Connecting]] = WeakKeyDictionary()
"""One connection to each bastion for all nodes: sshd limits the logins at a time (MaxStartups), not the tunnels."""


@asynccontextmanager
async def connect(node: NodeSettings) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Connect to the node's host, which must have the pinned key. Try again if it doesn't answer.

    Raises HostError.
    """
    await _try_agent(node)
    try:
        connection = await log_in(node.ssh)
    except LoginError as error:
        raise refused(node, str(error)) from error
    async with connection:
        yield connection


def refused(node: NodeSettings, reason: str) -> HostError:
    """Return a HostError from before the first change."""
    text = f"{node.name}: host check: {reason}; nothing was changed on the host; run pulumi up again"
    return HostError(text, reason)


async def _try_agent(node: NodeSettings) -> None:
    """Connect to the SSH agent, if there is one or if there must be one.

    The command plugin does so too, also if it has a private key, and each of its commands fails if it can't
    (pulumi-command, remote/connection.go; docs/decisions/0015-ways-in.md).
    """
    if not (path := os.environ.get("SSH_AUTH_SOCK")):
        if any(ssh and ssh.private_key is None for ssh in (node.ssh, node.ssh.bastion)):
            must = "SSH_AUTH_SOCK must name an SSH agent, since ssh.agent is true, but it is not set; start the agent"
            raise refused(node, f"{must} (eval $(ssh-agent); ssh-add)")
        return
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), SECONDS)
    except OSError as error:
        reason = (
            f"SSH_AUTH_SOCK is {path}, where an SSH agent must accept connections: "
            f"{error or 'no answer'}; run unset SSH_AUTH_SOCK or start the agent"
        )
        raise HostError(f"host check: {reason}, then run pulumi up again", reason) from error
    writer.close()


async def log_in(ssh: SSH) -> asyncssh.SSHClientConnection:
    """Connect to a host, which must have the pinned key. A refused login is not tried again. Raises LoginError."""
    error: BaseException
    for attempt in range(TRIES):
        await asyncio.sleep(attempt * PAUSE_SECONDS)
        tunnel = await _bastion(ssh.bastion) if ssh.bastion else None
        try:
            async with _client_keys(ssh) as keys:
                return await asyncio.wait_for(_try_to_log_in(ssh, keys, tunnel), _limit(ssh))
        except asyncssh.PermissionDenied as refused:
            raise LoginError(_denied(ssh, keys)) from refused
        except asyncssh.ProtocolError as failed:
            # OpenSSH ends the connection like this after MaxAuthTries.
            if "authentication failures" in failed.reason:
                raise LoginError(_denied(ssh, keys)) from failed
            error = failed
        except asyncssh.HostKeyNotVerifiable as other:
            raise LoginError(_other_host_key(ssh)) from other
        except (OSError, asyncssh.Error, TimeoutError) as failed:
            error = failed
    raise LoginError(_unreachable(ssh, error)) from error


async def _bastion(ssh: SSH) -> asyncssh.SSHClientConnection:
    """Return the connection to a bastion. A login that has failed for one node fails for all, without another try."""
    connecting = _bastions.setdefault(asyncio.get_running_loop(), {})
    if not (task := connecting.get(ssh)) or (task.done() and not task.exception() and task.result().is_closed()):
        task = connecting[ssh] = asyncio.create_task(log_in(ssh))
    try:
        return await asyncio.shield(task)
    except LoginError as error:
        raise LoginError(f"bastion: {error}") from error


@asynccontextmanager
async def _client_keys(ssh: SSH) -> AsyncIterator[_Keys]:
    """Yield the private key, or those of the agent, which the command plugin tries too."""
    if ssh.private_key:
        yield [asyncssh.import_private_key(ssh.private_key.get_secret_value())]
        return
    async with asyncssh.connect_agent() as agent:
        try:
            keys = list(await asyncio.wait_for(agent.get_keys(), SECONDS))
        except TimeoutError as error:
            raise LoginError(f"the SSH agent must answer within {SECONDS} s; start another one") from error
        if not keys:
            raise LoginError("the SSH agent must have a key, since ssh.agent is true, but has none; run ssh-add")
        yield keys


def _limit(ssh: SSH) -> int:
    return SECONDS if ssh.private_key else AGENT_SECONDS


async def _try_to_log_in(
    ssh: SSH, keys: _Keys, tunnel: asyncssh.SSHClientConnection | None
) -> asyncssh.SSHClientConnection:
    host_key = asyncssh.import_public_key(ssh.host_key)
    return await asyncssh.connect(
        ssh.host,
        ssh.port,
        tunnel=tunnel or (),
        username=ssh.user,
        client_keys=keys,
        known_hosts=([host_key], [], []),
        server_host_key_algs=[host_key.get_algorithm()],
        agent_path=None,
        config=None,
        password=None,
    )


def _at(ssh: SSH) -> str:
    return host_and_port(ssh.host, ssh.port)


def _unreachable(ssh: SSH, error: BaseException) -> str:
    reason = str(error) or f"no SSH answer within {_limit(ssh)} s"
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
        "reinstalled on purpose, set its hostKey, or its line in ssh.knownHostsFile, to the output of: "
        f"ssh-keyscan -t ed25519 -p {ssh.port} {ssh.host}"
    )


def _denied(ssh: SSH, keys: _Keys) -> str:
    digests = (b64encode(sha256(key.public_data).digest()).decode().rstrip("=") for key in keys)
    fingerprints = ", ".join(f"SHA256:{digest}" for digest in digests)
    add = "add its public key to that user's authorized_keys"
    if ssh.private_key:
        what = f"the SSH key {fingerprints}; {add}, or set another key in kube-proxy:ssh"
    else:
        what = (
            f"one of the SSH agent's keys ({fingerprints}); {add}, or let the agent have that key only "
            "(ssh-add -D, ssh-add FILE): sshd counts each key as a failure (MaxAuthTries)"
        )
    return f"{_at(ssh)} must accept user {ssh.user} with {what}"
