"""kube-proxy on every worker: the stack's configuration in, one client certificate and a rollout over the nodes out."""

from pathlib import Path

import pulumi

from components import ClientCertificate, Rollout
from settings.stack_configuration import stack_settings

settings = stack_settings(Path(__file__).parent)

certificate = ClientCertificate("client-certificate", settings.client_certificate, settings.certificate_authority)
rollout = Rollout("rollout", settings, certificate)

pulumi.export("nodes", rollout.reports)
pulumi.export(
    "certificate",
    {
        "subject": certificate.subject,
        "notBefore": certificate.not_before,
        "notAfter": certificate.not_after,
        "daysLeft": certificate.days_left,
    },
)
