"""What the tls resources have in common: they live in the stack's state, and almost every change makes a new one."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Mapping

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.plugin.difference import detailed_difference, property_of, response
from development.pulumi_stand_ins.plugin.property_values import (
    UNKNOWN,
    Properties,
    Value,
    reveal,
    secret,
    without_secrets,
)
from development.pulumi_stand_ins.plugin.resource import Operation, Resource

# A change of a PEM input replaces only where the state's own value is nothing but a PEM; text before it is enough for
# an update in place, which re-issues nothing (terraform-provider-tls, requireReplaceIfStateContainsPEMString).
_PEM_ALONE = re.compile(r"-----BEGIN [A-Za-z ]+-----\n(.|\s)+\n-----END [A-Za-z ]+-----\n?")


class PlannedResource(Resource):
    """A resource whose inputs, defaults and computed outputs are known by name."""

    defaults: Mapping[str, Value] = {}
    computed: Collection[str]
    secret_outputs: Collection[str] = ()
    updatable: Collection[str] = ()
    """Inputs whose change is an update in place; any other change replaces."""

    @abstractmethod
    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:
        """The id and the computed outputs, from revealed inputs with defaults. Raises OperationError."""

    def planned(self, inputs: Properties) -> Properties:
        """The inputs with defaults, and what else is known before the resource is made."""
        return dict(self.defaults) | inputs

    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """What changed between the state and the plan."""
        olds, news = ({key: _bare(values, key) for key in self.inputs} for values in (state, self.planned(inputs)))
        details = detailed_difference(olds, news)
        changed = {property_of(path) for path in details}
        replaces = {key for key in changed - set(self.updatable) if not _updates_in_place(key, olds[key])}
        # The official plugin doesn't tell of a changed key, only that it replaces.
        told = {path: kind for path, kind in details.items() if path not in self.secret_outputs}
        return response(told, tuple(sorted(replaces)) or self.due(state, inputs))

    def due(self, state: Properties, inputs: Properties) -> tuple[str, ...]:  # noqa: ARG002
        """Outputs for whose sake alone the resource must be made anew."""
        return ()

    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Make it; in a preview only plan it."""
        planned = self.planned(inputs)
        if operation.preview:
            return "", self._with_secrets({**dict.fromkeys(self.computed, UNKNOWN), **planned})
        identifier, outputs = await self.make(operation, reveal(planned))
        return identifier, self._with_secrets(planned | outputs)

    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:  # noqa: ARG002
        """Keep what was made, with the new inputs."""
        kept = {key: state[key] for key in self.computed if key in state}
        return self._with_secrets(kept | self.planned(inputs))

    def _with_secrets(self, outputs: Properties) -> Properties:
        return {key: secret(value) if key in self.secret_outputs else value for key, value in outputs.items()}


def _bare(values: Properties, key: str) -> Value:
    return without_secrets(values.get(key))


def _updates_in_place(key: str, old: Value) -> bool:
    return key.endswith("Pem") and isinstance(old, str) and _PEM_ALONE.fullmatch(old) is None
