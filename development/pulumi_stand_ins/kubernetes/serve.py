"""Serve the kubernetes plugin."""

from functools import partial

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from development.pulumi_stand_ins.kubernetes.provider import KubernetesProvider
from development.pulumi_stand_ins.plugin.engine import Engine
from development.pulumi_stand_ins.plugin.serving import serve


def register(server: grpc.aio.Server, engine: Engine) -> None:
    """Add the plugin to a server."""
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(KubernetesProvider(engine), server)


main = partial(serve, register)
