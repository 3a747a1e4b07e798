"""Run one command on a connection: environment, standard input, output as it arrives, and how it ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping

import asyncssh
from asyncssh.packet import String

from development.pulumi_stand_ins.plugin.resource import OperationError

# asyncssh's defaults for a session.
_WINDOW_BYTES, _PACKET_BYTES = 2 * 1024 * 1024, 32 * 1024

Received = Callable[[bytes, bool], None]
"""Called with each piece of output as it arrives, and whether it is from standard error."""
Refused = Callable[[str], Awaitable[None]]
"""Called with the name of a variable that the server refuses; raises if the command must not run without it."""


async def execute(
    connection: asyncssh.SSHClientConnection,
    command: str,
    stdin: str,
    environment: Mapping[str, str],
    received: Received,
    refused: Refused,
) -> str | None:
    """Run `command` in the login shell. Return None if it succeeded, or else the error in Go's words.

    An OperationError from `received` or `refused` ends the wait and is raised; the command runs on.
    Like the official plugin, this has no time limit, also if the host has become silent.
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
    """A session that sets the environment as Go's client does: it waits for the server's reply to each variable.

    asyncssh itself asks for no reply, so it doesn't notice a refusal.
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
    """Ends when the server closes the channel: after the command and all that keep its output open have ended."""

    def __init__(self, received: Received) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failure: str | None = "wait: remote command exited without exit status or exit signal"
        self.unsent = False
        self._received = received

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        # With these limits, pause_writing is called as soon as a byte has to wait for the server's window.
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
        # The command may run on without output: keep the channel open until the exit status arrives.
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
