"""command:remote:Command: scripts that run on a host when the resource is created, updated or deleted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.command.connection import mark_private_keys, parse_connection, unknown_inputs
from development.pulumi_stand_ins.plugin.difference import detailed_difference, response
from development.pulumi_stand_ins.plugin.property_values import UNKNOWN, Properties, reveal
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation, Resource


class Logging(StrEnum):
    """The streams that go to the engine's log (the SDK's `Logging`)."""

    STDOUT = "stdout"
    STDERR = "stderr"
    STDOUT_AND_STDERR = "stdoutAndStderr"
    NONE = "none"


class RemoteCommand(Resource):
    """Runs `create` first, `update` (or `create` again) after any change, and `delete`, if set, at the end."""

    inputs = (
        "connection", "create", "update", "delete", "stdin", "environment", "triggers", "logging",
        "addPreviousOutputInEnv",
    )  # fmt: skip
    required = ("connection",)

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Return the inputs with private keys as secrets."""
        _, failures = super().check(name, inputs)
        connection = inputs.get("connection")
        failures += [CheckFailure(path, "must be an input of ConnectionArgs") for path in unknown_inputs(connection)]
        logging = inputs.get("logging")
        if isinstance(logging, str) and logging not in list(Logging):
            failures.append(CheckFailure("logging", f"must be one of: {', '.join(Logging)}; got {logging}"))
        return inputs | {"connection": mark_private_keys(connection)}, failures

    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """Every change is an update. A changed trigger replaces the resource because the SDK asks for that."""
        return response(detailed_difference({key: state[key] for key in self.inputs if key in state}, inputs))

    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Run `create`. Without `create`, open no connection."""
        identifier = f"{operation.name}{secrets.token_hex(4)}"
        return identifier, await self._apply(operation, inputs, {}, "create")

    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:
        """Run `update`, or else `create`, over the new connection. The old host is not contacted."""
        return await self._apply(operation, inputs, state, "update" if inputs.get("update") is not None else "create")

    async def delete(self, operation: Operation, state: Properties) -> None:
        """Run `delete` of the state over the state's connection. Without `delete`, open no connection."""
        if state.get("delete") is not None:
            await self._run(operation, reveal(state), "delete")

    async def _apply(self, operation: Operation, inputs: Properties, state: Properties, script: str) -> Properties:
        if operation.preview:
            return inputs | {"stdout": UNKNOWN, "stderr": UNKNOWN}
        previous = {key: state.get(key, "") for key in ("stdout", "stderr")}
        if inputs.get(script) is None:
            return inputs | previous
        return inputs | await self._run(operation, reveal(inputs | previous), script)

    async def _run(self, operation: Operation, values: Mapping[str, Any], script: str) -> Properties:
        # These import asyncssh, which takes half a second. Previews and runs without a change don't need it.
        from development.pulumi_stand_ins.command.dial import dial
        from development.pulumi_stand_ins.command.script import Script

        # The official plugin doesn't close connections either: a host holds them all until the plugin ends.
        connection = await dial(operation, parse_connection(values["connection"]))
        return await Script(operation, values, values[script]).run(connection)
