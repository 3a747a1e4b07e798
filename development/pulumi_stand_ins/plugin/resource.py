"""What a plugin's author writes: one Resource for each type token that the plugin serves."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.plugin.engine import Engine, Severity
from development.pulumi_stand_ins.plugin.property_values import Properties


class OperationError(Exception):
    """An operation failed; the message is what the user reads, to the letter that of the official plugin."""


class InitializationError(OperationError):
    """The resource is there, and belongs in the stack's state, but isn't as it should be."""

    def __init__(self, message: str, identifier: str, state: Properties) -> None:
        super().__init__(message)
        self.identifier, self.state = identifier, state


@dataclass(frozen=True)
class CheckFailure:
    """An input that the plugin refuses; without a property the engine shows the reason alone."""

    property: str
    reason: str


@dataclass(frozen=True)
class Operation:
    """One operation on one resource: whom it concerns, whether it is only a preview, and where its log goes."""

    urn: str
    name: str
    preview: bool
    timeout_seconds: float
    """The resource's custom timeout; 0 for none."""
    engine: Engine
    cancelled: asyncio.Event
    """Set when the engine cancels the run: after Ctrl-C, and at the end of every run."""

    async def log(self, severity: Severity, message: str, *, status: bool = False) -> None:
        """Log about this resource; `status` as in Engine.log."""
        await self.engine.log(severity, message, urn=self.urn, status=status)


class Resource(ABC):
    """The life of a resource of one type."""

    inputs: Collection[str]
    required: Collection[str] = ()

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:  # noqa: ARG002
        """The inputs as they are kept, and those that are refused. `name` is the resource's own."""
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
        """What an update to these inputs would change."""

    @abstractmethod
    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Create, or preview it; the new id (in previews possibly empty) and state. Raises OperationError."""

    @abstractmethod
    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:
        """Update, or preview it; the new state. Raises OperationError."""

    async def read(self, state: Properties) -> Properties | None:
        """The state as it is now, None of what is no more. Many a resource is nowhere but in the stack's state."""
        return state

    async def delete(self, operation: Operation, state: Properties) -> None:  # noqa: B027
        """Delete; nothing to do unless overridden. Raises OperationError."""
