"""Run one script of a resource: its inputs, its outputs, and its error message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncssh

from development.pulumi_stand_ins.command.execution import execute
from development.pulumi_stand_ins.command.go_errors import quote
from development.pulumi_stand_ins.command.output_log import OutputLog
from development.pulumi_stand_ins.plugin.engine import Severity
from development.pulumi_stand_ins.plugin.property_values import Properties
from development.pulumi_stand_ins.plugin.resource import Operation, OperationError

# The official plugin's text, with its line breaks and tabs.
_REFUSED = (
    "Unable to set '{name}'. This only works if your SSH server is configured to accept\n"
    "\tthese variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, "
    "you could\n"
    "\tprefix the command itself with the variables in the form 'VAR=value command'"
)
_PREVIOUS_OUTPUT = {"PULUMI_COMMAND_STDOUT": "stdout", "PULUMI_COMMAND_STDERR": "stderr"}


class Script:
    """One of a resource's scripts, with the resource's revealed inputs and previous outputs."""

    def __init__(self, operation: Operation, values: Mapping[str, Any], command: str) -> None:
        self._operation = operation
        self._command = command
        self._stdin: str = values.get("stdin") or ""
        self._required: Mapping[str, str] = values.get("environment") or {}
        previous = _PREVIOUS_OUTPUT if values.get("addPreviousOutputInEnv") is not False else {}
        self._optional = {name: values[output] for name, output in previous.items() if values.get(output)}
        logging = values.get("logging")
        self._logged = {stream: logging in (None, stream, "stdoutAndStderr") for stream in ("stdout", "stderr")}

    async def run(self, connection: asyncssh.SSHClientConnection) -> Properties:
        """Run it. Return `stdout` and `stderr`, each without one final newline. Raises OperationError."""
        outputs = {"stdout": bytearray(), "stderr": bytearray()}
        combined = bytearray()
        log = OutputLog(self._operation)

        def received(data: bytes, is_stderr: bool) -> None:
            stream = "stderr" if is_stderr else "stdout"
            outputs[stream] += data
            combined.extend(data)
            if self._logged[stream]:
                log.add(data)

        environment = {**self._required, **self._optional}
        try:
            failure = await execute(connection, self._command, self._stdin, environment, received, self._refused)
        finally:
            await log.close()
        if failure is not None:
            raise OperationError(f"{failure}: running {quote(self._command)}:\n{combined.decode(errors='replace')}")
        return {stream: _text(bytes(output)) for stream, output in outputs.items()}

    async def _refused(self, name: str) -> None:
        """Fail for a variable of the input `environment`, only warn for previous output."""
        required = name in self._required
        await self._operation.log(Severity.ERROR if required else Severity.WARNING, _REFUSED.format(name=name))
        if required:
            raise OperationError(f"could not set environment variable {quote(name)}: ssh: setenv failed")


def _text(output: bytes) -> str:
    try:
        return output.removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        raise OperationError("grpc: error while marshaling: string field contains invalid UTF-8") from None
