"""pulumirpc.ResourceProvider for a table of Resources."""
# ruff: noqa: N802, D102, ARG002 - method names, their meaning and their arguments are the protocol's (provider.proto)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from development.pulumi_stand_ins.plugin.property_values import UnknownValueError, decode, encode
from development.pulumi_stand_ins.plugin.resource import InitializationError, Operation, OperationError, Resource

if TYPE_CHECKING:
    from development.pulumi_stand_ins.plugin.engine import Engine

    Context = grpc.aio.ServicerContext[Any, Any]
    Identified = (
        provider_pb2.CheckRequest
        | provider_pb2.DiffRequest
        | provider_pb2.CreateRequest
        | provider_pb2.ReadRequest
        | provider_pb2.UpdateRequest
        | provider_pb2.DeleteRequest
    )


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the given resources, by type token, as version `version` of the official plugin.

    CheckConfig adds `configuration` to the provider's inputs.
    """

    def __init__(
        self,
        version: str,
        resources: Mapping[str, Resource],
        engine: Engine,
        configuration: Mapping[str, str] | None = None,
    ) -> None:
        self._version = version
        self._resources = resources
        self._engine = engine
        self._configuration = dict(configuration or {})
        self._cancelled = asyncio.Event()

    async def Handshake(self, request: object, context: Context) -> provider_pb2.ProviderHandshakeResponse:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "method Handshake not implemented")

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        inputs = Struct()
        inputs.CopyFrom(request.news)
        inputs.update(self._configuration)
        return provider_pb2.CheckResponse(inputs=inputs)

    async def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "DiffConfig is not implemented")

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    async def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        async with self._resource(request, context) as resource:
            inputs, failures = resource.check(request.name, decode(request.news))
        reported = [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=reported)

    async def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        async with self._resource(request, context) as resource:
            return resource.difference(decode(request.olds), decode(request.news))

    async def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        async with self._resource(request, context) as resource:
            identifier, state = await resource.create(self._operation(request), decode(request.properties))
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    async def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        async with self._resource(request, context) as resource:
            state = await resource.update(self._operation(request), decode(request.olds), decode(request.news))
        return provider_pb2.UpdateResponse(properties=encode(state))

    async def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        async with self._resource(request, context) as resource:
            state = await resource.read(decode(request.properties))
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=request.inputs)

    async def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Empty:
        async with self._resource(request, context) as resource:
            await resource.delete(self._operation(request), decode(request.properties))
        return Empty()

    async def Cancel(self, request: Empty, context: Context) -> Empty:
        self._cancelled.set()
        return Empty()

    @asynccontextmanager
    async def _resource(self, request: Identified, context: Context) -> AsyncIterator[Resource]:
        """Yield the request's resource. Errors inside the block become the call's response."""
        try:
            yield self._served(request.type)
        except InitializationError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error), _partial_failure(error))
        except OperationError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except UnknownValueError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, f"{error} must be known when {request.name} is created")

    def _served(self, resource_type: str) -> Resource:
        resource = self._resources.get(resource_type)
        if resource is None:
            raise OperationError(
                f"resource type must be one of: {', '.join(self._resources)}; got {resource_type}. "
                "This stand-in has no other; put the official plugin first on PATH"
            )
        return resource

    def _operation(
        self, request: provider_pb2.CreateRequest | provider_pb2.UpdateRequest | provider_pb2.DeleteRequest
    ) -> Operation:
        return Operation(
            urn=request.urn,
            name=request.name,
            preview=not isinstance(request, provider_pb2.DeleteRequest) and request.preview,
            timeout_seconds=request.timeout,
            engine=self._engine,
            cancelled=self._cancelled,
        )


def _partial_failure(error: InitializationError) -> tuple[tuple[str, bytes]]:
    """Return the trailing metadata (gRPC's richer error) that makes the engine keep the resource, with its errors."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.identifier, properties=encode(error.state), reasons=[str(error)]
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)
