"""kubernetes:certificates.k8s.io/v1:CertificateSigningRequest: request a certificate and wait for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.kubernetes import readiness
from development.pulumi_stand_ins.kubernetes.api import Api, ApiError, UnreachableError, connect
from development.pulumi_stand_ins.plugin.difference import Kind, detailed_difference
from development.pulumi_stand_ins.plugin.property_values import (
    Properties,
    UnknownValueError,
    Value,
    reveal,
    without_secrets,
)
from development.pulumi_stand_ins.plugin.resource import (
    CheckFailure,
    InitializationError,
    Operation,
    OperationError,
    Resource,
)

_KNOWN: Mapping[tuple[str, ...], set[str]] = {
    ("metadata",): {"name", "annotations"},
    ("metadata", "annotations"): {readiness.WAIT_FOR, readiness.DELETION},
    ("spec",): {"request", "signerName", "usages", "expirationSeconds"},
}


class CertificateSigningRequest(Resource):
    """Its state is the object as the API last returned it, with the inputs under `__inputs`.

    Diff compares state and inputs. If the cluster has cleaned the request up, only a refresh notices.
    """

    inputs = ("apiVersion", "kind", "metadata", "spec")
    required = ("metadata", "spec")

    def __init__(self) -> None:
        self.kubeconfig = ""

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Refuse unknown keys at any depth. The name is required."""
        _, failures = super().check(name, inputs)
        for steps, known in _KNOWN.items():
            value = _at(inputs, *steps)
            reason = f"must be one of: {', '.join(sorted(known))}; this stand-in knows no other"
            unknown = sorted(value.keys() - known) if isinstance(value, dict) else ()
            failures += [CheckFailure(".".join((*steps, key)), reason) for key in unknown]
        if not _at(inputs, "metadata", "name"):
            failures.append(CheckFailure("metadata.name", "must be given: this stand-in generates no names"))
        return inputs, failures

    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """Compare the new inputs with those fields of the object that the old inputs had. A new name replaces it."""
        details = detailed_difference(_plain(_pruned(state, state["__inputs"])), _plain(inputs))
        if "metadata.name" in details:
            details["metadata.name"] = Kind.UPDATE_REPLACE
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if details else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[path for path, kind in details.items() if kind == Kind.UPDATE_REPLACE],
            detailedDiff={path: Kind(kind=kind) for path, kind in details.items()},
            hasDetailedDiff=True,
        )

    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Create the request and wait until it is ready.

        A preview is a dry run, if all inputs are known and the API can be reached.
        """
        try:
            body = _body(inputs)
            live = await self._api().create(body, operation.preview)
        except (ApiError, UnreachableError, UnknownValueError) as error:
            if operation.preview and _reason(error) in ("", "Forbidden", "AlreadyExists"):
                return "", inputs
            failed = f'resource "{operation.urn}" was not successfully created by the Kubernetes API server: {error}'
            raise OperationError(_unreachable(error) or failed) from error
        manager = f"pulumi-kubernetes-{secrets.token_hex(4)}"
        if operation.preview:
            return "", _state(inputs, {key: value for key, value in live.items() if key != "status"}, manager)
        name = body["metadata"]["name"]
        live, reason = await readiness.wait_until_ready(operation, self._api(), live)
        if reason:
            failed = (
                f'resource "{operation.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {reason}"
            )
            raise InitializationError(failed, name, _state(inputs, live, manager))
        return name, _state(inputs, live, manager)

    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:
        """Apply the inputs and wait again. This continues after a request that was not answered in time."""
        name, manager = str(_at(state, "metadata", "name")), str(state["__fieldManager"])
        try:
            await self._api().get(name)
            live = await self._api().apply(_body(inputs), manager, operation.preview)
        except (ApiError, UnreachableError, UnknownValueError) as error:
            if operation.preview and (isinstance(error, UnknownValueError) or _reason(error) == "Forbidden"):
                return inputs
            failed = f'update of resource "{operation.urn}" failed: {error}\nunable to get cluster state: {error}'
            raise OperationError(_unreachable(error) or failed) from error
        if operation.preview:
            return _state(inputs, live, manager)
        live, reason = await readiness.wait_until_ready(operation, self._api(), live)
        if reason:
            failed = f'the Kubernetes API server reported that "{name}" failed to fully initialize or become live: '
            raise InitializationError(failed + reason, name, _state(inputs, live, manager))
        return _state(inputs, live, manager)

    async def read(self, state: Properties) -> Properties | None:
        """Return the object as it is now, or None if it is gone."""
        try:
            live = await self._api().get(str(_at(state, "metadata", "name")))
        except UnreachableError as error:
            raise OperationError("failed to read resource state due to unreachable cluster") from error
        except ApiError as error:
            if _reason(error) == "NotFound":
                return None
            raise OperationError(str(error)) from error
        return _state(state["__inputs"], live, str(state["__fieldManager"]))

    async def delete(self, operation: Operation, state: Properties) -> None:  # noqa: ARG002
        """Delete the object, if it still exists."""
        live: dict[str, Any] = reveal(state)
        try:
            await self._api().delete(live["metadata"]["name"], readiness.deletion_policy(live))
        except (ApiError, UnreachableError) as error:
            if _reason(error) != "NotFound":
                raise OperationError(_unreachable(error) or str(error)) from error

    def _api(self) -> Api:
        return connect(self.kubeconfig)


def _state(inputs: Value, live: Mapping[str, Any], manager: str) -> Properties:
    return {**live, "__inputs": inputs, "__initialApiVersion": live["apiVersion"], "__fieldManager": manager}


def _body(inputs: Properties) -> dict[str, Any]:
    """Return the request's body. Raises UnknownValueError if an input is known only after an update."""
    body: dict[str, Any] = reveal(inputs)
    body["spec"]["expirationSeconds"] = int(body["spec"]["expirationSeconds"])
    return body


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, ApiError) else ""


def _unreachable(error: Exception) -> str:
    """Return the message for an unreachable API: the official plugin asks it for schemas first."""
    message = "configured Kubernetes cluster is unreachable: unable to load schema information from the API server"
    return f"{message}: {error}" if isinstance(error, UnreachableError) else ""


def _at(values: Value, *steps: str) -> Value:
    """Return the value at that path, or None."""
    for step in steps:
        values = values.get(step) if isinstance(values, dict) else None
    return values


def _pruned(live: Value, shape: Value) -> Value:
    """Return those fields of an object that `shape` has."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: _pruned(live[key], value) for key, value in shape.items() if key in live}
    return live


def _plain(values: Value) -> Properties:
    plain = without_secrets(values)
    return plain if isinstance(plain, dict) else {}
