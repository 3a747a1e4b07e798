"""kube-proxy on every worker: the stack's configuration in, client certificates and a rollout over the nodes out."""

# ruff: noqa: E402 - the handler comes before the imports, which take a second

import os
import signal

# The engine interrupts the program when a run has failed. Without this, a traceback would follow the error.
signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import asyncio
from pathlib import Path
from typing import Any

import pulumi

from components import CertificateAuthority, ClientCertificates, Rollout, certificate_authority
from settings import GeneratedCA
from settings.stack_configuration import stack_settings


def _debug(*_: Any, **__: Any) -> None:
    """Drop the SDK's debug messages: about 20 a node, each of which waits for the engine (docs/upstream.md)."""


pulumi.log.debug = _debug


async def main() -> dict[str, pulumi.Output[object]]:
    """Register all resources; return the stack's outputs."""
    settings = stack_settings(Path(__file__).parent)
    authority = certificate_authority(settings.certificate_authority)
    certificates = ClientCertificates(settings, authority)
    rollout = Rollout("rollout", settings, certificates, authority.trust_bundle_pem)
    outputs = {"nodes": rollout.reports, "certificate": certificates.summary}
    own = settings.certificate_authority
    if isinstance(own, GeneratedCA) and not own.by_stack and isinstance(authority, CertificateAuthority):
        outputs |= {"caCertificate": authority.certificate_pem, "caPrivateKey": authority.private_key_pem}
    # Lets the registrations begin. Otherwise the SDK waits for all Outputs again after each of them (docs/upstream.md).
    await asyncio.sleep(0)
    return outputs


pulumi.run(main)
