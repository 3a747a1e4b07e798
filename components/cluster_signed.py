"""A certificate that the cluster signs: a request through the Kubernetes API, and somebody's approval.

The tls plugin renews by the clock, a request doesn't. So a certificate that nobody ever uses is made beside it, by the
tls plugin and with the same life: when that one is renewed, the request gets another name, and is another request.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pulumi
import pulumi_tls as tls
from cryptography import x509

from components import expiry
from components.certificate_authority import ClusterSigner
from components.issued import Issued, Wanted
from documents.certificate_request import USER
from settings import ClientCertificateSettings

_WAIT_FOR = "jsonpath={$[?@.certificate || @.conditions[?@.type=='Denied' || @.type=='Failed']]}"
"""Has the plugin wait until a request is answered, either way: only the object's status has such members."""


def cluster_signed(
    name: str,
    settings: ClientCertificateSettings,
    signer: ClusterSigner,
    wanted: Wanted,
    parent: pulumi.Resource,
) -> Issued:
    """Asks the signer, and again whenever a renewal is due."""
    # Heavy, and wanted here only.
    from pulumi_kubernetes.certificates.v1 import CertificateSigningRequest, CertificateSigningRequestSpecArgs
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

    clock = tls.SelfSignedCert(
        f"{name}-clock",
        private_key_pem=wanted.private_key_pem,
        subject=tls.SelfSignedCertSubjectArgs(common_name=f"{USER} clock"),
        allowed_uses=["digital_signature"],
        validity_period_hours=settings.validity_hours,
        early_renewal_hours=settings.renew_before_hours,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    asked = pulumi.Output.all(clock.id, wanted.request_pem, signer.name).apply(lambda parts: request_name(name, parts))
    patience = f"{signer.approval_timeout_seconds}s"
    request = CertificateSigningRequest(
        name,
        metadata=ObjectMetaArgs(
            name=asked,
            # The cluster's garbage collector has nothing to collect after it.
            annotations={"pulumi.com/waitFor": _WAIT_FOR, "pulumi.com/deletionPropagationPolicy": "background"},
        ),
        spec=CertificateSigningRequestSpecArgs(
            request=wanted.request_pem.apply(lambda pem: b64encode(pem.encode()).decode()),
            signer_name=signer.name,
            usages=["client auth", *(use.replace("_", " ") for use in wanted.key_usages)],
            expiration_seconds=settings.validity_hours * 3600,
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            provider=signer.provider,
            custom_timeouts=pulumi.CustomTimeouts(create=patience, update=patience),
            hooks=_told(name, settings, signer, asked, parent),
        ),
    )
    certificate = pulumi.Output.all(request.status, asked).apply(lambda parts: answer(name, *parts))
    return Issued(
        certificate_pem=certificate,
        not_before=certificate.apply(lambda pem: _parsed(pem).not_valid_before_utc.isoformat()),
        not_after=certificate.apply(lambda pem: _parsed(pem).not_valid_after_utc.isoformat()),
    )


def request_name(name: str, parts: Sequence[str]) -> str:
    """A name for each thing that is asked for: a request can't be changed, and the cluster may have the last one still.

    At most 253 characters, as of any object.
    """
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"kube-proxy-{name[:220].rstrip('-.')}-{digest[:10]}"


def _told(
    name: str,
    settings: ClientCertificateSettings,
    signer: ClusterSigner,
    asked: pulumi.Output[str],
    parent: pulumi.Resource,
) -> pulumi.ResourceHookBinding:
    """Says what is asked for, and how to approve it: the plugin only waits."""

    async def asks(_: pulumi.ResourceHookArgs) -> None:
        if authority_end := await signer.not_after.future():
            pulumi.log.info(expiry.issue(settings, authority_end, datetime.now(UTC)), parent)

    def waits(then: str) -> pulumi.ResourceHookFunction:
        async def say(_: pulumi.ResourceHookArgs) -> None:
            if known := await asked.future():
                patience = f"{signer.approval_timeout_seconds} s at most"
                pulumi.log.info(
                    f"waits to be approved, {patience}: kubectl certificate approve {known}; {then}", parent
                )

        return say

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    first = pulumi.ResourceHook(f"{name}-asks", asks, options)
    then = pulumi.ResourceHook(f"{name}-waits", waits("the next pulumi up goes on to wait"), options)
    # The cluster cleans up what nobody has answered.
    again = pulumi.ResourceHook(f"{name}-waits-on", waits(f"if it is gone, {_ask_again(name)}"), options)
    return pulumi.ResourceHookBinding(before_create=[first, then], before_update=[again])


def _ask_again(name: str) -> str:
    return f"ask again by: pulumi up --replace '**{name}-clock'"


def answer(name: str, status: Mapping[str, Any] | None, request: str) -> str:
    """Returns the certificate in PEM; a preview of a request that nobody has answered has none to show."""
    status = status or {}
    if pem := status.get("certificate"):
        return b64decode(pem).decode()
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Denied", "Failed"):
            why = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
            must = f"the certificate request must be approved, and is {condition['type'].lower()} ({why})"
            raise pulumi.RunError(f"{request}: {must}; {_ask_again(name)}")
    if pulumi.runtime.is_dry_run():
        unknown: Any = pulumi.UNKNOWN
        return unknown  # type: ignore[no-any-return]
    raise pulumi.RunError(f"{request}: the certificate request must be answered, and isn't; {_ask_again(name)}")


def _parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())
