"""The resources of a plugin: one Resource for each type token."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.plugin.engine import Engine, Severity
from development.pulumi_stand_ins.plugin.property_values import Properties


class OperationError(Exception):
    """An operation failed. The message is exactly that of the official plugin; users see it."""


class InitializationError(OperationError):
    """The resource was created, and belongs in the stack's state, but it isn't ready."""

    def __init__(self, message: str, identifier: str, state: Properties) -> None:
        super().__init__(message)
        self.identifier, self.state = identifier, state


@dataclass(frozen=True)
class CheckFailure:
    """An input that the plugin refuses. Without a property the engine shows only the reason."""

    property: str
    reason: str


@dataclass(frozen=True)
class Operation:
    """One operation on one resource."""

    urn: str
    name: str
    preview: bool
    timeout_seconds: float
    """The resource's custom timeout; 0 for none."""
    engine: Engine
    cancelled: asyncio.Event
    """Set when the engine cancels the run: after Ctrl-C, and at the end of every run."""

    async def log(self, severity: Severity, message: str, *, status: bool = False) -> None:
        """Log a message about this resource; see Engine.log for `status`."""
        await self.engine.log(severity, message, urn=self.urn, status=status)


class Resource(ABC):
    """The operations of one type of resource."""

    inputs: Collection[str]
    required: Collection[str] = ()

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:  # noqa: ARG002
        """Return the inputs as the state keeps them, and the refused ones. `name` is the resource's name."""
        unknown = [
            CheckFailure(key, f"must be one of: {', '.join(sorted(self.inputs))}; this stand-in knows no other input")
            for key in sorted(inputs.keys() - set(self.inputs))
        ]
        missing = [
            CheckFailure(key, f"must be given: missing required property '{key}'")
            for key in self.required
            if inputs.get(key) is None
        ]
        return inputs, unknown + missing

    @abstractmethod
    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """Return what an update to these inputs would change."""

    @abstractmethod
    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Create, or preview it. Return the id (empty in some previews) and the state. Raises OperationError."""

    @abstractmethod
    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:
        """Update, or preview it. Return the new state. Raises OperationError."""

    async def read(self, state: Properties) -> Properties | None:
        """Return the current state, or None if the resource is gone. By default the stack's state is all there is."""
        return state

    async def delete(self, operation: Operation, state: Properties) -> None:  # noqa: B027
        """Delete the resource; by default there is nothing to do. Raises OperationError."""
