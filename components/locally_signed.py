"""A certificate that is signed here, by the CA's key. The tls plugin renews it by the clock."""

from datetime import UTC, datetime

import pulumi
import pulumi_tls as tls

from components import expiry
from components.certificate_authority import CertificateAuthority
from components.issued import Issued, Wanted
from settings import ClientCertificateSettings


def locally_signed(
    name: str,
    settings: ClientCertificateSettings,
    authority: CertificateAuthority,
    wanted: Wanted,
    parent: pulumi.Resource,
) -> Issued:
    """Signs, and again whenever a renewal is due."""
    certificate = tls.LocallySignedCert(
        name,
        cert_request_pem=wanted.request_pem,
        ca_cert_pem=authority.certificate_pem,
        ca_private_key_pem=authority.private_key_pem,
        allowed_uses=[*wanted.key_usages, "client_auth"],
        validity_period_hours=settings.validity_hours,
        early_renewal_hours=settings.renew_before_hours,
        opts=pulumi.ResourceOptions(parent=parent, hooks=_when_issued(name, settings, authority, parent)),
    )
    return Issued(certificate.cert_pem, certificate.validity_start_time, certificate.validity_end_time)


def _when_issued(
    name: str, settings: ClientCertificateSettings, authority: CertificateAuthority, parent: pulumi.Resource
) -> pulumi.ResourceHookBinding:
    """Runs where a certificate is about to be issued, in a preview too.

    The tls plugin gives no reason for a renewal, so it is told here what is going on. And the limit that the
    authority's end is moves with the clock: a certificate that was issued in time stays good. Nothing is said
    where the authority is still to be made.
    """

    async def check(_: pulumi.ResourceHookArgs) -> None:
        if authority_end := await authority.not_after.future():
            pulumi.log.info(expiry.issue(settings, authority_end, datetime.now(UTC)), parent)

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook(f"{name}-issue", check, options)])
