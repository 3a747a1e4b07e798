"""kube-proxy on every worker: the stack's configuration in, client certificates and a rollout over the nodes out."""

# ruff: noqa: E402 - the handler comes before the imports, which take a second

import os
import signal

# The engine interrupts the program when a run has failed. Without this, a traceback would follow the error.
signal.signal(signal.SIGINT, lambda *_: os._exit(130))

from pathlib import Path

import pulumi

from components import CertificateAuthority, ClientCertificates, Rollout, certificate_authority
from settings import GeneratedCA
from settings.stack_configuration import stack_settings

settings = stack_settings(Path(__file__).parent)

authority = certificate_authority(settings.certificate_authority)
certificates = ClientCertificates(settings, authority)
rollout = Rollout("rollout", settings, certificates, authority.trust_bundle_pem)

pulumi.export("nodes", rollout.reports)
pulumi.export("certificate", certificates.summary)
if isinstance(settings.certificate_authority, GeneratedCA) and isinstance(authority, CertificateAuthority):
    pulumi.export("caCertificate", authority.certificate_pem)
    pulumi.export("caPrivateKey", authority.private_key_pem)
