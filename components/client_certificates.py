"""The nodes' client certificates: one for all nodes or one for each, always for the same user."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pulumi

from components import expiry_messages
from components.certificate_authority import CertificateAuthority
from components.client_certificate import ClientCertificate
from components.cluster_signer import ClusterSigner
from settings import Settings


class ClientCertificates:
    """Each node's certificate, and a summary of the one that ends first."""

    by_node: Mapping[str, ClientCertificate]
    summary: pulumi.Output[dict[str, object]]
    """`subject`, `notBefore`, `notAfter` (RFC 3339, UTC), `daysLeft`."""

    def __init__(self, settings: Settings, authority: CertificateAuthority | ClusterSigner) -> None:
        self._settings = settings.client_certificate
        names = [node.name for node in settings.nodes]
        if self._settings.per_node:
            certificates = [ClientCertificate(f"{name}-certificate", self._settings, authority) for name in names]
            self.by_node = dict(zip(names, certificates, strict=True))
        else:
            certificates = [ClientCertificate("client-certificate", self._settings, authority)]
            self.by_node = dict.fromkeys(names, certificates[0])
        validities = [pulumi.Output.all(each.not_after, each.not_before, each.subject) for each in certificates]
        self.summary = pulumi.Output.all(authority.not_after, *validities).apply(lambda all_: self._summarize(*all_))

    def _summarize(self, authority_end: datetime, *validities: Sequence[str]) -> dict[str, object]:
        not_after, not_before, subject = min(tuple(validity) for validity in validities)
        begin, end, now = datetime.fromisoformat(not_before), datetime.fromisoformat(not_after), datetime.now(UTC)
        for warning in expiry_messages.warnings(self._settings, begin, end, authority_end, now):
            pulumi.log.warn(warning)
        days_left = expiry_messages.days_left(end, now)
        return {"subject": subject, "notBefore": not_before, "notAfter": not_after, "daysLeft": days_left}
