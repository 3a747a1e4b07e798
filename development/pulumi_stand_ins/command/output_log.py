"""Write a running command's output to the engine's log, line by line."""

from __future__ import annotations

import asyncio

from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.resource import Operation, OperationError

# Go's bufio.MaxScanTokenSize: the official plugin reads lines up to this size.
_LINE_BYTES = 64 * 1024


class OutputLog:
    """Logs complete lines of both streams as they arrive. An incomplete line waits for its end or for `close`."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._rest = bytearray()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())

    def add(self, data: bytes) -> None:
        """Add a piece of output. Raises OperationError for a line that hangs the official plugin."""
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray()
        if any(len(line) >= _LINE_BYTES for line in (*lines, rest)):
            raise OperationError(
                f"a line of logged output must be shorter than {_LINE_BYTES} bytes: the official command plugin hangs "
                'for ever on a longer one; fold the line, or set logging="none"'
            )
        for line in lines:
            self._lines.put_nowait(bytes(line))
        self._rest += rest

    async def close(self) -> None:
        """Log the rest and wait until the engine has received all lines."""
        if self._rest:
            self._lines.put_nowait(bytes(self._rest))
        self._lines.put_nowait(None)
        await self._writer

    async def _write(self) -> None:
        while (line := await self._lines.get()) is not None:
            try:
                text = line.removesuffix(b"\r").decode()
            except UnicodeDecodeError:
                # gRPC strings are UTF-8. The official plugin loses such a line, too.
                continue
            await self._operation.log(Severity.INFO, text, status=True)
