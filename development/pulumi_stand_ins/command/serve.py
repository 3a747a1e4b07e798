"""Serve the command plugin."""

from functools import partial

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from development.pulumi_stand_ins.command.copy_to_remote import CopyToRemote
from development.pulumi_stand_ins.command.remote_command import RemoteCommand
from development.pulumi_stand_ins.plugin.engine import Engine
from development.pulumi_stand_ins.plugin.provider import Provider
from development.pulumi_stand_ins.plugin.serving import serve

VERSION = "1.2.1"
RESOURCES = {"command:remote:Command": RemoteCommand(), "command:remote:CopyToRemote": CopyToRemote()}
# The official plugin puts the version of its own framework into the provider's inputs, and so into state.
_CONFIGURATION = {"__pulumi-go-provider-version": "1.2.0"}


def register(server: grpc.aio.Server, engine: Engine) -> None:
    """Add the plugin to a server."""
    provider = Provider(VERSION, RESOURCES, engine, _CONFIGURATION)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)


main = partial(serve, register)
