"""The engine's log, which plugins write to (pulumirpc.Engine)."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import IntEnum
from typing import cast

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Severity(IntEnum):
    """Severities of pulumirpc.LogSeverity that plugins use."""

    INFO = 1
    WARNING = 2
    ERROR = 3


class Engine:
    """The log of the engine that started this plugin.

    Without an address (if the plugin was started by hand) messages are dropped, as in the official plugins.
    """

    def __init__(self, address: str | None) -> None:
        self.address = address
        self._log: Callable[[engine_pb2.LogRequest], Awaitable[object]] | None = None

    async def log(self, severity: Severity, message: str, *, urn: str = "", status: bool = False) -> None:
        """Send a message about the resource `urn`. `status` marks the transient lines of a running command."""
        if self.address is None:
            return
        if self._log is None:
            stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(self.address))
            # In the SDK's annotations, stubs of asynchronous channels have a class that exists only for type checkers.
            self._log = cast("engine_pb2_grpc.EngineAsyncStub", stub).Log
        request = engine_pb2.LogRequest(
            severity=engine_pb2.LogSeverity.ValueType(severity), message=message, urn=urn, ephemeral=status
        )
        # An engine that is shutting down accepts no messages. The operation goes on without its log.
        with suppress(grpc.aio.AioRpcError):
            await self._log(request)
