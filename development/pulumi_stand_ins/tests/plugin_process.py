"""A plugin as the engine starts it: a process that prints its port, serves gRPC, and logs to the engine."""

import os
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from development.pulumi_stand_ins.tests.wire import properties, struct

BIN = Path(__file__).resolve().parents[1] / "bin"
SECONDS = 30
_ENGINE_LIMITS = tuple(
    (f"grpc.{limit}", 400 * 1024 * 1024)
    for limit in ("max_receive_message_length", "max_metadata_size", "absolute_max_metadata_size")
)


class EngineLog(engine_pb2_grpc.EngineServicer):
    """An engine that only records log messages."""

    def __init__(self) -> None:
        self.requests: list[engine_pb2.LogRequest] = []
        self._server = grpc.server(ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> Empty:  # noqa: ARG002, N802
        self.requests.append(request)
        return Empty()

    @property
    def messages(self) -> list[str]:
        return [request.message for request in self.requests]

    def stop(self) -> None:
        self._server.stop(0)


@dataclass
class Reply:
    """A resource after an operation."""

    id: str
    state: dict[str, Any]


@dataclass
class Plugin:
    """One resource plugin. Failed calls raise grpc.RpcError."""

    name: str
    ssh_auth_sock: str = ""
    log: EngineLog = field(default_factory=EngineLog)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [BIN / f"pulumi-resource-{self.name}", self.log.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            # Empty counts as unset: the developer's own agent must not take part in a test.
            env=os.environ | {"SSH_AUTH_SOCK": self.ssh_auth_sock},
        )
        assert self.process.stdout is not None
        address = f"127.0.0.1:{self.process.stdout.readline().strip()}"
        self.channel = grpc.insecure_channel(address, options=_ENGINE_LIMITS)
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()
        self.process.terminate()
        _, self.stderr = self.process.communicate(timeout=SECONDS)
        self.log.stop()

    def check(self, token: str, inputs: dict[str, Any], name: str = "r") -> provider_pb2.CheckResponse:
        response: provider_pb2.CheckResponse = self.stub.Check(
            provider_pb2.CheckRequest(urn=_urn(token, name), news=struct(inputs), name=name, type=token)
        )
        return response

    def check_failures(self, token: str, inputs: dict[str, Any], name: str = "r") -> list[tuple[str, str]]:
        return [(failure.property, failure.reason) for failure in self.check(token, inputs, name).failures]

    def diff(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> provider_pb2.DiffResponse:
        response: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(
                id="r", urn=_urn(token, "r"), olds=struct(state), news=struct(inputs), name="r", type=token
            )
        )
        return response

    def create(self, token: str, inputs: dict[str, Any], preview: bool = False, timeout: float = 0) -> Reply:
        return self.create_later(token, inputs, preview, timeout).result(SECONDS)

    def create_later(
        self, token: str, inputs: dict[str, Any], preview: bool = False, timeout: float = 0
    ) -> "Future[Reply]":
        request = provider_pb2.CreateRequest(
            urn=_urn(token, "r"), properties=struct(inputs), preview=preview, timeout=timeout, name="r", type=token
        )
        return ThreadPoolExecutor(1).submit(lambda: _created(self.stub.Create(request)))

    def update(
        self, token: str, state: dict[str, Any], inputs: dict[str, Any], preview: bool = False
    ) -> dict[str, Any]:
        response = self.stub.Update(
            provider_pb2.UpdateRequest(
                id="r",
                urn=_urn(token, "r"),
                olds=struct(state),
                news=struct(inputs),
                preview=preview,
                name="r",
                type=token,
            )
        )
        return properties(response.properties)

    def read(self, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> provider_pb2.ReadResponse:
        response: provider_pb2.ReadResponse = self.stub.Read(
            provider_pb2.ReadRequest(
                id="r", urn=_urn(token, "r"), properties=struct(state), inputs=struct(inputs), name="r", type=token
            )
        )
        return response

    def delete(self, token: str, state: dict[str, Any]) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(id="r", urn=_urn(token, "r"), properties=struct(state), name="r", type=token)
        )


def failure(error: BaseException) -> str:
    """Return the text that the engine shows for a failed call."""
    assert isinstance(error, grpc.RpcError)
    return str(error.details())


def _created(response: provider_pb2.CreateResponse) -> Reply:
    return Reply(response.id, properties(response.properties))


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"
