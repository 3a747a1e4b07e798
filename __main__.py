"""kube-proxy on every worker: the stack's configuration in, one client certificate and a rollout over the nodes out."""

from pathlib import Path

import pulumi

from components import ClientCertificate, Rollout
from settings import SettingsError, load
from settings.stack_configuration import stack_configuration

try:
    settings = load(stack_configuration(), Path(__file__).parent)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None

certificate = ClientCertificate("client-certificate", settings.client_certificate, settings.certificate_authority)
rollout = Rollout("rollout", settings, certificate)

pulumi.export("nodes", rollout.reports)
pulumi.export(
    "certificate",
    {"subject": certificate.subject, "notBefore": certificate.not_before, "notAfter": certificate.not_after},
)
