"""Connect to a host as the official command plugin does: a new connection for each operation, with retries.

Attempts, limits, growing pauses and messages are those of pulumi-command (remote/connection.go), of the engine's
retry.Until and of Go's SSH client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import asyncssh

from development.pulumi_stand_ins.command import go_errors
from development.pulumi_stand_ins.command.connection import Connection
from development.pulumi_stand_ins.command.handshake import Keys, client_keys, handshake, over_tcp
from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.resource import Operation, OperationError

_FIRST_PAUSE_SECONDS, _PAUSE_FACTOR, _LONGEST_PAUSE_SECONDS = 0.1, 1.5, 5.0

T = TypeVar("T")


async def dial(operation: Operation, connection: Connection) -> asyncssh.SSHClientConnection:
    """Open a connection, through the proxy if there is one. Raises OperationError."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + operation.timeout_seconds if operation.timeout_seconds else None
    keys = await client_keys(connection)
    proxy = connection.proxy
    if proxy is None:
        return await _with_retries(operation, "Dial", connection, deadline, lambda: over_tcp(connection, keys))
    try:
        proxy_keys = await client_keys(proxy)
        tunnel = await _with_retries(operation, "Dial proxy", proxy, deadline, lambda: over_tcp(proxy, proxy_keys))
        way = _Way(connection, keys, tunnel)
        await _with_retries(operation, "Dial from proxy", connection, deadline, way.open)
        return await _with_retries(operation, "Dial", connection, deadline, way.log_in)
    except OperationError as error:
        raise OperationError(f"proxy: {error}") from None


class _Way:
    """A connection from a proxy. It is opened once; a second try to log in over it finds that it is closed."""

    def __init__(self, connection: Connection, keys: Keys, tunnel: asyncssh.SSHClientConnection) -> None:
        self._connection, self._keys, self._tunnel = connection, keys, tunnel
        self._result: asyncssh.SSHClientConnection | Exception = asyncssh.ConnectionLost("")

    async def open(self) -> None:
        """asyncssh also logs in; the result is for `log_in`."""
        try:
            self._result = await handshake(self._connection, self._keys, tunnel=self._tunnel)
        except asyncssh.ChannelOpenError:
            raise
        except go_errors.DIAL_ERRORS as error:
            self._result = error

    async def log_in(self) -> asyncssh.SSHClientConnection:
        result, self._result = self._result, asyncssh.ConnectionLost("")
        if isinstance(result, Exception):
            raise result
        return result


async def _with_retries(
    operation: Operation, what: str, connection: Connection, deadline: float | None, attempt: Callable[[], Awaitable[T]]
) -> T:
    limit, failures, pause = connection.dial_error_limit, 0, _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await attempt()
        except go_errors.DIAL_ERRORS as error:
            text = go_errors.dial_text(error, connection)
        failures += 1
        if -1 < limit < failures:
            raise OperationError(f"after {limit} failed attempts: {text}")
        shown = "inf" if limit == -1 else str(limit)
        await operation.log(Severity.INFO, f"{what} {failures}/{shown} failed: retrying", status=True)
        await _pause(operation, pause, deadline)
        pause = min(pause * _PAUSE_FACTOR, _LONGEST_PAUSE_SECONDS)


async def _pause(operation: Operation, seconds: float, deadline: float | None) -> None:
    """Wait between attempts.

    Only here does the official plugin check for a cancellation and for a resource's custom timeout.
    """
    left = seconds if deadline is None else deadline - asyncio.get_running_loop().time()
    with suppress(TimeoutError):
        await asyncio.wait_for(operation.cancelled.wait(), max(0.0, min(seconds, left)))
        raise OperationError("context canceled")
    if left < seconds:
        raise OperationError("context deadline exceeded")
