"""kube-proxy on every worker: the stack's configuration in, client certificates and a rollout over the nodes out."""

from pathlib import Path

import pulumi

from components import ClientCertificates, Rollout
from settings.stack_configuration import stack_settings

settings = stack_settings(Path(__file__).parent)

certificates = ClientCertificates(settings, settings.certificate_authority)
rollout = Rollout("rollout", settings, certificates)

pulumi.export("nodes", rollout.reports)
pulumi.export("certificate", certificates.summary)
