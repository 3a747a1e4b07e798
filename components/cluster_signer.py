"""Client certificates that the cluster signs: a CertificateSigningRequest, and the approval of an administrator.

A CertificateSigningRequest can't renew itself. So there is an unused self-signed certificate beside it, with the same
lifetime: when the tls plugin renews that one, its new id gives the request a new name, and a new request is made.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_tls as tls
from cryptography import x509

from components.issuance import CertificateRequest, IssuedCertificate
from documents.certificate_request import USER
from settings import KubernetesSigner

_WAIT_FOR = "jsonpath={$[?@.certificate || @.conditions[?@.type=='Denied' || @.type=='Failed']]}"
"""Makes the plugin wait until the request is signed, denied or failed: only the object's status has these fields."""


class ClusterSigner:
    """A signer in the cluster. Its attributes are those of a CertificateAuthority without the private key."""

    def __init__(self, settings: KubernetesSigner) -> None:
        # This package takes a second to import, so only its users do that.
        from pulumi_kubernetes import Provider

        self._settings = settings
        self._provider = Provider(
            "cluster",
            kubeconfig=pulumi.Output.secret(settings.kubeconfig.get_secret_value()),
            # Otherwise a new address of the same API would be a new cluster, and every certificate issued again.
            cluster_identifier="cluster",
        )
        self.chain_pem = settings.chain_pem
        self.trust_bundle_pem = pulumi.Output.from_input(settings.trust_bundle_pem)
        self.not_after = pulumi.Output.from_input(settings.not_after)

    def issue(self, request: CertificateRequest) -> IssuedCertificate:
        """Request the certificate, and again when a renewal is due."""
        from pulumi_kubernetes.certificates.v1 import CertificateSigningRequest, CertificateSigningRequestSpecArgs
        from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

        name, lifetime, signer = request.name, request.settings, self._settings
        renewal = tls.SelfSignedCert(
            f"{name}-clock",
            private_key_pem=request.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=f"{USER} clock"),
            allowed_uses=["digital_signature"],
            validity_period_hours=lifetime.validity_hours,
            early_renewal_hours=lifetime.renew_before_hours,
            opts=pulumi.ResourceOptions(parent=request.parent),
        )
        object_name = pulumi.Output.all(renewal.id, request.request_pem, signer.name).apply(
            lambda parts: request_name(name, parts)
        )
        timeout = f"{signer.approval_timeout_seconds}s"
        signing_request = CertificateSigningRequest(
            name,
            metadata=ObjectMetaArgs(
                name=object_name,
                # No other object is owned by a request, so the deletion needs not wait for the garbage collector.
                annotations={"pulumi.com/waitFor": _WAIT_FOR, "pulumi.com/deletionPropagationPolicy": "background"},
            ),
            spec=CertificateSigningRequestSpecArgs(
                request=request.request_pem.apply(lambda pem: b64encode(pem.encode()).decode()),
                signer_name=signer.name,
                usages=["client auth", *(usage.replace("_", " ") for usage in request.key_usages)],
                expiration_seconds=lifetime.validity_hours * 3600,
            ),
            opts=pulumi.ResourceOptions(
                parent=request.parent,
                provider=self._provider,
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
                hooks=self._hooks(request, object_name),
            ),
        )
        certificate = pulumi.Output.all(signing_request.status, object_name).apply(
            lambda parts: signed_certificate(name, *parts)
        )
        return IssuedCertificate(
            certificate_pem=certificate,
            not_before=certificate.apply(lambda pem: _parse(pem).not_valid_before_utc.isoformat()),
            not_after=certificate.apply(lambda pem: _parse(pem).not_valid_after_utc.isoformat()),
        )

    def _hooks(self, request: CertificateRequest, object_name: pulumi.Output[str]) -> pulumi.ResourceHookBinding:
        """Return the hooks that say how to approve the request: the plugin only waits."""

        def instruct(hook: str, otherwise: str) -> pulumi.ResourceHook:
            async def log(_: pulumi.ResourceHookArgs) -> None:
                if known := await object_name.future():
                    seconds = self._settings.approval_timeout_seconds
                    approve = f"waiting up to {seconds} s for its approval: kubectl certificate approve {known}"
                    pulumi.log.info(f"{approve}; {otherwise}", request.parent)

            return pulumi.ResourceHook(f"{request.name}-{hook}", log, pulumi.ResourceHookOptions(on_dry_run=True))

        create = instruct("create", "after a timeout, the next pulumi up waits for the same request")
        # The cluster deletes a request that has not been approved in time.
        update = instruct("update", f"if it no longer exists, {_request_again(request.name)}")
        return pulumi.ResourceHookBinding(
            before_create=[request.announcement(self.not_after), create], before_update=[update]
        )


def request_name(name: str, parts: Sequence[str]) -> str:
    """Return the object's name, at most 253 characters. Other parts give another name: a request can't be changed."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"kube-proxy-{name[:220].rstrip('-.')}-{digest[:10]}"


def signed_certificate(name: str, status: Mapping[str, Any] | None, object_name: str) -> str:
    """Return the certificate of a request's status in PEM. In a preview, a request without an answer is unknown.

    Raises pulumi.RunError if there is no certificate.
    """
    status = status or {}
    if pem := status.get("certificate"):
        return b64decode(pem).decode()
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Denied", "Failed"):
            why = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
            happened = f"it {'was denied' if condition['type'] == 'Denied' else 'failed'} ({why})"
            must = f"the certificate request must be approved and signed, but {happened}"
            raise pulumi.RunError(f"{object_name}: {must}; {_request_again(name)}")
    if pulumi.runtime.is_dry_run():
        unknown: Any = pulumi.UNKNOWN
        return unknown  # type: ignore[no-any-return]
    must = "the certificate request must have a certificate, but it has none"
    raise pulumi.RunError(f"{object_name}: {must}; {_request_again(name)}")


def _request_again(name: str) -> str:
    return f"make a new request: pulumi up --replace '**{name}-clock'"


def _parse(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())
