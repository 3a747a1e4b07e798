"""Connect to a host as the official command plugin does: one new connection, tried again after failures.

Attempts, their limits, the growing pauses and every message are those of pulumi-command (remote/connection.go), of
the engine's retry.Until and of Go's SSH client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncssh

from development.pulumi_stand_ins.command import go_errors
from development.pulumi_stand_ins.command.connection import Connection
from development.pulumi_stand_ins.command.handshake import handshake, over_tcp
from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.resource import Operation, OperationError

_FIRST_PAUSE_SECONDS, _PAUSE_FACTOR, _LONGEST_PAUSE_SECONDS = 0.1, 1.5, 5.0

Attempt = Callable[[], Awaitable[asyncssh.SSHClientConnection]]


async def dial(operation: Operation, connection: Connection) -> asyncssh.SSHClientConnection:
    """A connection of its own, through the proxy if there is one. Raises OperationError."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + operation.timeout_seconds if operation.timeout_seconds else None
    proxy = connection.proxy
    if proxy is None:
        return await _with_retries(operation, "Dial", connection, deadline, lambda: over_tcp(connection))
    try:
        tunnel = await _with_retries(operation, "Dial proxy", proxy, deadline, lambda: over_tcp(proxy))
        return await _with_retries(
            operation, "Dial from proxy", connection, deadline, lambda: handshake(connection, tunnel=tunnel)
        )
    except OperationError as error:
        raise OperationError(f"proxy: {error}") from None


async def _with_retries(
    operation: Operation, what: str, connection: Connection, deadline: float | None, attempt: Attempt
) -> asyncssh.SSHClientConnection:
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
        await _pause(pause, deadline)
        pause = min(pause * _PAUSE_FACTOR, _LONGEST_PAUSE_SECONDS)


async def _pause(seconds: float, deadline: float | None) -> None:
    """Wait between attempts, where alone the official plugin heeds a resource's custom timeout."""
    left = seconds if deadline is None else deadline - asyncio.get_running_loop().time()
    await asyncio.sleep(max(0.0, min(seconds, left)))
    if left < seconds:
        raise OperationError("context deadline exceeded")
