"""Serve the language host."""

from functools import partial

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from development.pulumi_stand_ins.language_python.host import SECONDS_TO_END, LanguageHost
from development.pulumi_stand_ins.plugin.engine import Engine
from development.pulumi_stand_ins.plugin.serving import serve


def register(server: grpc.aio.Server, engine: Engine) -> None:
    """Add the language host to a server."""
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine), server)


main = partial(serve, register, grace_seconds=SECONDS_TO_END + 1)
