"""The provider: its kubeconfig, and which change of its inputs means another cluster."""
# ruff: noqa: N802, D102, ARG002 - method names, their meaning and their arguments are the protocol's (provider.proto)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.kubernetes.certificate_signing_request import CertificateSigningRequest
from development.pulumi_stand_ins.plugin.property_values import decode, reveal, without_secrets
from development.pulumi_stand_ins.plugin.provider import Provider

if TYPE_CHECKING:
    import grpc

    from development.pulumi_stand_ins.plugin.engine import Engine

    Context = grpc.aio.ServicerContext[Any, Any]

# The version of the SDK in requirements.txt: the engine warns if a plugin is older than its SDK.
VERSION = "4.34.2"

_REQUIRED = {"kubeconfig", "clusterIdentifier"}
_INPUTS = _REQUIRED | {"version"}


class KubernetesProvider(Provider):
    """Requires a kubeconfig and a cluster identifier. Only another identifier replaces the resources."""

    def __init__(self, engine: Engine) -> None:
        self._requests = CertificateSigningRequest()
        resources = {"kubernetes:certificates.k8s.io/v1:CertificateSigningRequest": self._requests}
        super().__init__(VERSION, resources, engine)

    async def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        present = {key for key, value in decode(request.news).items() if value is not None}
        failures = [
            provider_pb2.CheckFailure(
                property=key, reason="this stand-in requires kubeconfig and clusterIdentifier, and knows no other"
            )
            for key in sorted((present - _INPUTS) | (_REQUIRED - present))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        olds, news = (without_secrets(decode(struct)) for struct in (request.olds, request.news))
        assert isinstance(olds, dict) and isinstance(news, dict)  # noqa: S101, PT018 - Structs are
        changed = [key for key in sorted(_INPUTS) if olds.get(key) != news.get(key)]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key == "clusterIdentifier"],
        )

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        self._requests.kubeconfig = reveal(decode(request.args)["kubeconfig"])
        return await super().Configure(request, context)
