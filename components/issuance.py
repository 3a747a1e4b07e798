"""A request for a client certificate, and the certificate that an authority issues for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pulumi

from components import expiry_messages
from settings import ClientCertificateSettings


@dataclass(frozen=True)
class CertificateRequest:
    """What an authority needs to issue a client certificate."""

    name: str
    """Of the resource that becomes the certificate."""
    parent: pulumi.Resource
    settings: ClientCertificateSettings
    private_key_pem: pulumi.Output[str]
    """A secret."""
    request_pem: pulumi.Output[str]
    key_usages: Sequence[str]
    """As the tls plugin names them: `digital_signature`."""

    def announcement(self, authority_end: pulumi.Output[datetime]) -> pulumi.ResourceHook:
        """Return the hook that checks and reports a certificate just before it is issued, in a preview too.

        The check can't be made for a certificate that exists: by now its lifetime may be too long for a new one. An
        authority that doesn't exist yet has no end.
        """

        async def announce(_: pulumi.ResourceHookArgs) -> None:
            if end := await authority_end.future():
                pulumi.log.info(expiry_messages.announce(self.settings, end, datetime.now(UTC)), self.parent)

        return pulumi.ResourceHook(f"{self.name}-issue", announce, pulumi.ResourceHookOptions(on_dry_run=True))


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate without its issuers. Times are RFC 3339, in any zone, with or without fractions of a second."""

    certificate_pem: pulumi.Output[str]
    not_before: pulumi.Output[str]
    not_after: pulumi.Output[str]
