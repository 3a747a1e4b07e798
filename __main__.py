"""kube-proxy on every worker: the stack's configuration in, client certificates and a rollout over the nodes out."""

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
