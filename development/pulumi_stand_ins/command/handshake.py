"""One attempt to connect: TCP, host key, user key. The SSH configuration of the user is not read."""

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
    """Return the given private key, or else the agent's keys.

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
    """Try once over a new TCP connection. Raises go_errors.DIAL_ERRORS."""
    return await handshake(connection, keys, sock=await _tcp(connection))


async def _tcp(connection: Connection) -> socket.socket:
    """Connect to the first address that answers. The time limit is for each address."""
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
    """Try once over a socket or through a bastion. Raises go_errors.DIAL_ERRORS."""
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
        # A server without a host key of the pinned kind closes the connection. Go's client reports the reason.
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
        agent_path=None,
        known_hosts=None if pinned is None else ([pinned], [], []),
        # Only the algorithm of the pinned key is offered. For RSA that is ssh-rsa, which current servers refuse: like
        # the official plugin, this one can't verify an RSA host key.
        server_host_key_algs=() if pinned is None else [pinned.get_algorithm()],
        # The official plugin has no time limit here: a host that accepts and then stays silent blocks it forever.
        login_timeout=0,
        gss_kex=False,
        gss_auth=False,
    )


class _Client(asyncssh.SSHClient):
    """Keeps the connection, to read the server's offer from it."""

    _connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    def offered_host_key_algorithms(self) -> list[str]:
        """Read the server's SSH_MSG_KEXINIT (RFC 4253, 7.1), which asyncssh keeps in a private attribute.

        Empty before that message has arrived.
        """
        message = getattr(self._connection, "_server_kexinit", b"")
        if not message:
            return []
        packet = SSHPacket(message)
        packet.get_byte()
        packet.get_bytes(16)
        packet.get_namelist()
        return [name.decode() for name in packet.get_namelist()]
