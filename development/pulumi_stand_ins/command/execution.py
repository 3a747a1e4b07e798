"""One command on a connection: its environment and input, its output as it arrives, and how it ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping

import asyncssh
from asyncssh.packet import String

from development.pulumi_stand_ins.plugin.resource import OperationError

# asyncssh's own values for a session that it opens by itself.
_WINDOW_BYTES, _PACKET_BYTES = 2 * 1024 * 1024, 32 * 1024

Received = Callable[[bytes, bool], None]
"""Takes each piece of output as it arrives, and whether it is of standard error."""
Refused = Callable[[str], Awaitable[None]]
"""Takes the name of a variable that the server refuses; raises where the command must not run without it."""


async def execute(
    connection: asyncssh.SSHClientConnection,
    command: str,
    stdin: str,
    environment: Mapping[str, str],
    received: Received,
    refused: Refused,
) -> str | None:
    """Run `command` by the login shell; nothing when it succeeded, else what went wrong in Go's words.

    OperationErrors of `received` and `refused` end the wait and are raised; the command itself is left alone.
    There is no time limit, and none on a connection that went silent: the official plugin has none either.
    """
    channel = _Channel(connection, environment, refused)
    session = _Session(received)
    try:
        await channel.create(
            lambda: session, command, None, {}, False, None, (0, 0, 0, 0), {}, False, None, None, False, False
        )
    except asyncssh.ChannelOpenError as error:
        return f"ssh: {error.reason}"
    except OperationError:
        channel.close()
        raise
    if stdin:
        channel.write(stdin.encode())
    channel.write_eof()
    await session.closed
    return session.failure or ("EOF" if session.unsent else None)


class _Channel(asyncssh.SSHClientChannel[bytes]):
    """A session that sets the environment as Go's client does: each variable awaits the server's answer.

    asyncssh sends the same requests without asking for an answer, so a refusal would pass unnoticed.
    """

    def __init__(
        self, connection: asyncssh.SSHClientConnection, environment: Mapping[str, str], refused: Refused
    ) -> None:
        super().__init__(connection, asyncio.get_running_loop(), "strict", None, "strict", _WINDOW_BYTES, _PACKET_BYTES)
        self._environment = environment
        self._refused = refused

    async def _make_request(self, request: bytes, *args: bytes) -> bool | None:
        if request == b"exec":
            for name, value in self._environment.items():
                if not await super()._make_request(b"env", String(name), String(value)):
                    await self._refused(name)
        return await super()._make_request(request, *args)


class _Session(asyncssh.SSHClientSession[bytes]):
    """Ends when the server closes the channel: after the command's end, once nobody holds its output any more."""

    def __init__(self, received: Received) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failure: str | None = "wait: remote command exited without exit status or exit signal"
        self.unsent = False
        self._received = received

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        # From now on any byte that waits for the server's window is announced by pause_writing.
        chan.set_write_buffer_limits(high=0, low=0)

    def pause_writing(self) -> None:
        self.unsent = True

    def resume_writing(self) -> None:
        self.unsent = False

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        try:
            self._received(data, datatype == asyncssh.EXTENDED_DATA_STDERR)
        except OperationError as error:
            if not self.closed.done():
                self.closed.set_exception(error)

    def eof_received(self) -> bool:
        # The command may live on without output: keep the channel until the server closes it with an exit status.
        return True

    def exit_status_received(self, status: int) -> None:
        self.failure = f"Process exited with status {status}" if status else None

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: ARG002
        reason = f". Reason was: {msg}" if msg else ""
        self.failure = f"Process exited with status {128 + _signal_number(signal)} from signal {signal}{reason}"

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.closed.done():
            self.closed.set_result(None)


def _signal_number(name: str) -> int:
    return next((number.value for number in signal.Signals if number.name == f"SIG{name}"), 0)
