"""QEMU's monitor, for snapshots and resets (QEMU Machine Protocol: a JSON object per line)."""

import json
import os
import socket
from collections.abc import Mapping
from io import BufferedRWPair
from pathlib import Path

from development.errors import LabError

_SECONDS = 120.0


def monitor(path: Path, command_line: str) -> None:
    """Run a command of the human monitor, such as `savevm booted`.

    Raises LabError when the monitor doesn't answer and when it prints something: these commands print only errors.
    """
    try:
        with _connect(path) as connection, connection.makefile("rwb") as stream:
            stream.readline()  # the greeting
            _execute(stream, {"execute": "qmp_capabilities"})
            request = {"execute": "human-monitor-command", "arguments": {"command-line": command_line}}
            printed = str(_execute(stream, request)).strip()
    except OSError as error:
        raise LabError(f"{path}: QEMU's monitor must answer `{command_line}`: {error}") from error
    if printed:
        raise LabError(f"{path}: QEMU's monitor must do `{command_line}`: {printed}")


def _connect(path: Path) -> socket.socket:
    # Through the open directory, because a Unix socket's name is limited to 107 bytes and a checkout's path is not.
    directory = os.open(path.parent, os.O_PATH)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_SECONDS)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{path.name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    return connection


def _execute(stream: BufferedRWPair, request: Mapping[str, object]) -> object:
    stream.write(json.dumps(request).encode() + b"\n")
    stream.flush()
    for line in stream:
        answer = json.loads(line)
        if "return" in answer:
            return answer["return"]
        if "error" in answer:
            raise OSError(answer["error"]["desc"])
    raise OSError("connection closed")
