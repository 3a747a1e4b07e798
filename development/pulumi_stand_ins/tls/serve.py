"""Serve the tls plugin."""

from functools import partial

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from development.pulumi_stand_ins.plugin.engine import Engine
from development.pulumi_stand_ins.plugin.provider import Provider
from development.pulumi_stand_ins.plugin.serving import serve
from development.pulumi_stand_ins.tls.cert_request import CertRequest
from development.pulumi_stand_ins.tls.locally_signed_cert import LocallySignedCert
from development.pulumi_stand_ins.tls.private_key import PrivateKey
from development.pulumi_stand_ins.tls.self_signed_cert import SelfSignedCert

# The version of the SDK in requirements.txt: the engine warns if a plugin is older than its SDK.
VERSION = "5.6.2"
RESOURCES = {
    "tls:index/privateKey:PrivateKey": PrivateKey(),
    "tls:index/certRequest:CertRequest": CertRequest(),
    "tls:index/locallySignedCert:LocallySignedCert": LocallySignedCert(),
    "tls:index/selfSignedCert:SelfSignedCert": SelfSignedCert(),
}


def register(server: grpc.aio.Server, engine: Engine) -> None:
    """Add the plugin to a server."""
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(VERSION, RESOURCES, engine), server)


main = partial(serve, register)
