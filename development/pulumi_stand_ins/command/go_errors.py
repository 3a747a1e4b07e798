"""Errors of asyncssh and the operating system in the words of Go's net and golang.org/x/crypto/ssh packages.

Users see these texts and tests compare them, so they are exactly those of the official plugin.
"""

import os
import socket
from collections.abc import Sequence
from typing import Any

import asyncssh

from development.pulumi_stand_ins.command.connection import Connection

DIAL_ERRORS = (OSError, asyncssh.Error)


class TcpError(OSError):
    """A TCP connect to one address failed. Go's message has the address, the operating system's hasn't."""

    def __init__(self, target: Sequence[Any], cause: OSError) -> None:
        super().__init__(cause.errno, cause.strerror)
        self.target = target
        self.timed_out = isinstance(cause, TimeoutError)


class NoCommonHostKeyAlgorithmError(asyncssh.Error):
    """The server has no host key of a requested kind."""

    def __init__(self, ours: Sequence[str], theirs: Sequence[str]) -> None:
        reason = f"no common algorithm for host key; we offered: [{' '.join(ours)}], peer offered: [{' '.join(theirs)}]"
        super().__init__(asyncssh.DISC_KEY_EXCHANGE_FAILED, reason)


def dial_text(error: Exception, connection: Connection) -> str:
    """Return Go's text for a failed attempt to dial."""
    match error:
        case TcpError():
            host, port = error.target[:2]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            what = "i/o timeout" if error.timed_out else f"connect: {os.strerror(error.errno or 0).lower()}"
            return f"dial tcp {address}: {what}"
        case socket.gaierror():
            return f"dial tcp: lookup {connection.host}: no such host"
        case asyncssh.ChannelOpenError():
            prohibited = error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
            why = "administratively prohibited" if prohibited else "connect failed"
            return f"ssh: rejected: {why} ({error.reason})"
        case _:
            return f"ssh: handshake failed: {_handshake_text(error, connection)}"


def quote(text: str) -> str:
    """Return the text as Go's `%q` prints it: in double quotes, on one line."""
    return '"' + "".join(_ESCAPES.get(character) or _quoted(character) for character in text) + '"'


def _handshake_text(error: Exception, connection: Connection) -> str:
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return "ssh: host key mismatch"
        case asyncssh.PermissionDenied():
            attempted = ["none"]
            attempted += ["publickey"] if connection.private_key or connection.agent_socket_path else []
            return (
                f"ssh: unable to authenticate, attempted methods [{' '.join(attempted)}], no supported methods remain"
            )
        case NoCommonHostKeyAlgorithmError():
            return f"ssh: {error}"
        case ConnectionResetError():
            return "read: connection reset by peer"
        case asyncssh.ConnectionLost() | EOFError():
            return "EOF"
    return f"ssh: {error}"


_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def _quoted(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
