"""One attempt to connect: TCP, the host's key, the user's key; with nothing of the user's own SSH configuration."""

from __future__ import annotations

import asyncio
import socket
from typing import TypeAlias

import asyncssh
from asyncssh.packet import SSHPacket

from development.pulumi_stand_ins.command import go_errors
from development.pulumi_stand_ins.command.connection import Connection
from development.pulumi_stand_ins.plugin.resource import OperationError

Keys: TypeAlias = list[asyncssh.SSHKey] | list[asyncssh.SSHKeyPair] | None


async def client_keys(connection: Connection) -> Keys:
    """The given private key, or else the agent's keys.

    Like the official plugin, this connects to the agent even if a private key is given, and never retries. Go's client
    tries each authentication method once, so the agent's keys are not offered after a private key that was refused.
    Raises OperationError.
    """
    agent = None if connection.agent_socket_path is None else await _agent(connection.agent_socket_path)
    if connection.private_key is not None:
        return [connection.private_key]
    return None if agent is None else list(await agent.get_keys()) or None


async def _agent(path: str) -> asyncssh.SSHAgentClient:
    try:
        return await asyncssh.connect_agent(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OperationError(f"dial unix {path}: connect: {reason}") from None


async def over_tcp(connection: Connection, keys: Keys) -> asyncssh.SSHClientConnection:
    """One attempt over a new TCP connection. Raises go_errors.DIAL_ERRORS."""
    return await handshake(connection, keys, sock=await _tcp(connection))


async def _tcp(connection: Connection) -> socket.socket:
    """A TCP connection to the first address that answers, within the limit of one attempt."""
    loop = asyncio.get_running_loop()
    address = await loop.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    last_error: OSError | None = None
    for family, kind, protocol, _, target in address:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(connection.per_dial_timeout_seconds or None):
                await loop.sock_connect(sock, target)
        except OSError as error:
            sock.close()
            last_error = go_errors.TcpError(target, error)
        else:
            return sock
    raise last_error or OSError(f"no address for {connection.host}")


async def handshake(
    connection: Connection,
    keys: Keys,
    sock: socket.socket | None = None,
    tunnel: asyncssh.SSHClientConnection | None = None,
) -> asyncssh.SSHClientConnection:
    """One attempt over a socket or through a bastion. Raises go_errors.DIAL_ERRORS."""
    client = _Client()
    try:
        return await asyncssh.connect(
            connection.host,
            connection.port,
            sock=sock,
            tunnel=tunnel or (),
            client_factory=lambda: client,
            options=_options(connection, keys),
        )
    except (asyncssh.ConnectionLost, ConnectionResetError):
        # A server without a host key of the pinned kind hangs up, where Go's client has already seen why.
        pinned, offered = connection.host_key, client.offered_host_key_algorithms()
        if pinned is not None and offered and pinned.get_algorithm() not in offered:
            raise go_errors.NoCommonHostKeyAlgorithmError([pinned.get_algorithm()], offered) from None
        raise


def _options(connection: Connection, keys: Keys) -> asyncssh.SSHClientConnectionOptions:
    pinned = connection.host_key
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        username=connection.user,
        client_keys=keys,
        password=connection.password,
        agent_path=None,
        known_hosts=None if pinned is None else ([pinned], [], []),
        # Only the pinned key's own algorithm is offered. For RSA that is ssh-rsa, which servers of today refuse: the
        # official plugin can't verify an RSA host key, so neither can this one.
        server_host_key_algs=() if pinned is None else [pinned.get_algorithm()],
        # The official plugin puts no limit on a handshake: a host that accepts and says nothing holds it for ever.
        login_timeout=0,
        gss_kex=False,
        gss_auth=False,
    )


class _Client(asyncssh.SSHClient):
    """Remembers the connection, for what the server offered on it."""

    _connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def offered_host_key_algorithms(self) -> list[str]:
        """From the server's SSH_MSG_KEXINIT (RFC 4253, 7.1), which asyncssh keeps but doesn't show."""
        # Absent before the message came.
        message = getattr(self._connection, "_server_kexinit", b"")
        if not message:
            return []
        packet = SSHPacket(message)
        packet.get_byte()
        packet.get_bytes(16)
        packet.get_namelist()
        return [name.decode() for name in packet.get_namelist()]
