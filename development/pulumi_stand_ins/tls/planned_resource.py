"""The base of the tls resources: they exist only in the stack's state, and almost every change replaces them."""

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
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation, Resource
from development.pulumi_stand_ins.tls import validation
from development.pulumi_stand_ins.tls.subject import FIELDS

# A changed PEM input replaces the resource only if its value in the state is a PEM and nothing else. With text before
# the PEM it is an update in place, which issues nothing (terraform-provider-tls,
# requireReplaceIfStateContainsPEMString).
_PEM_ALONE = re.compile(r"-----BEGIN [A-Za-z ]+-----\n(.|\s)+\n-----END [A-Za-z ]+-----\n?")


class PlannedResource(Resource):
    """A resource with the given inputs, defaults and computed outputs."""

    defaults: Mapping[str, Value] = {}
    computed: Collection[str]
    secret_outputs: Collection[str] = ()
    updatable: Collection[str] = ()
    """Inputs whose change is an update in place. Any other change replaces the resource."""

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Check that a subject has only known fields."""
        inputs, failures = super().check(name, inputs)
        return inputs, failures + validation.known_keys("subject", inputs.get("subject"), FIELDS)

    @abstractmethod
    async def make(self, operation: Operation, values: Properties) -> tuple[str, Properties]:
        """Return the id and the computed outputs, from revealed inputs with defaults. Raises OperationError."""

    def planned(self, inputs: Properties) -> Properties:
        """Return the inputs with defaults, and the outputs that are known in advance."""
        return dict(self.defaults) | inputs

    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """Compare the state with the plan."""
        olds, news = ({key: _bare(values, key) for key in self.inputs} for values in (state, self.planned(inputs)))
        details = detailed_difference(olds, news)
        changed = {property_of(path) for path in details}
        replaces = {key for key in changed - set(self.updatable) if not _updates_in_place(key, olds[key])}
        # The official plugin doesn't report a changed key, only that it replaces the resource.
        reported = {path: kind for path, kind in details.items() if path not in self.secret_outputs}
        return response(reported, tuple(sorted(replaces)) or self.due(state, inputs))

    def due(self, state: Properties, inputs: Properties) -> tuple[str, ...]:  # noqa: ARG002
        """Return the outputs that make a replacement necessary without any change."""
        return ()

    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Make it. In a preview, only plan it."""
        planned = self.planned(inputs)
        if operation.preview:
            return "", self._with_secrets({**dict.fromkeys(self.computed, UNKNOWN), **planned})
        identifier, outputs = await self.make(operation, reveal(planned))
        return identifier, self._with_secrets(planned | outputs)

    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:  # noqa: ARG002
        """Keep the outputs, with the new inputs."""
        kept = {key: state[key] for key in self.computed if key in state}
        return self._with_secrets(kept | self.planned(inputs))

    def _with_secrets(self, outputs: Properties) -> Properties:
        return {key: secret(value) if key in self.secret_outputs else value for key, value in outputs.items()}


def _bare(values: Properties, key: str) -> Value:
    return without_secrets(values.get(key))


def _updates_in_place(key: str, old: Value) -> bool:
    return key.endswith("Pem") and isinstance(old, str) and _PEM_ALONE.fullmatch(old) is None
