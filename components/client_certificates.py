"""The nodes' identities: one certificate for all of them or one for each, always for the same user."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pulumi

from components import expiry
from components.certificate_authority import CertificateAuthority, ClusterSigner
from components.client_certificate import ClientCertificate
from settings import Settings


class ClientCertificates:
    """A certificate for each node, and what is said of that which ends first."""

    of_node: Mapping[str, ClientCertificate]
    """By the node's name."""
    summary: pulumi.Output[dict[str, object]]
    """Of the one that ends first: ``subject``, ``notBefore``, ``notAfter`` (RFC 3339, UTC), ``daysLeft``."""

    def __init__(self, settings: Settings, authority: CertificateAuthority | ClusterSigner) -> None:
        self._settings = settings.client_certificate
        names = [node.name for node in settings.nodes]
        if self._settings.per_node:
            made = [ClientCertificate(f"{name}-certificate", self._settings, authority) for name in names]
            self.of_node = dict(zip(names, made, strict=True))
        else:
            made = [ClientCertificate("client-certificate", self._settings, authority)]
            self.of_node = dict.fromkeys(names, made[0])
        facts = [pulumi.Output.all(each.not_after, each.not_before, each.subject) for each in made]
        self.summary = pulumi.Output.all(authority.not_after, *facts).apply(lambda all_of: self._summarize(*all_of))

    def _summarize(self, authority_end: datetime, *facts: Sequence[str]) -> dict[str, object]:
        not_after, not_before, subject = min(tuple(each) for each in facts)
        end, now = datetime.fromisoformat(not_after), datetime.now(UTC)
        begin = datetime.fromisoformat(not_before)
        for warning in expiry.warnings(self._settings, begin, end, authority_end, now):
            pulumi.log.warn(warning)
        days_left = expiry.days_left(end, now)
        return {"subject": subject, "notBefore": not_before, "notAfter": not_after, "daysLeft": days_left}
