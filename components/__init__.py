"""Pulumi components: typed arguments in, resources and outputs out. None of them reads configuration.

Rollout                          the fleet: every node is staged, then activated wave by wave
GeneratedCertificateAuthority    a CA that the stack generates, if the cluster's is not given
ClientCertificates               one for all nodes, or one for each
└── ClientCertificate            kube-proxy's key, request and certificate, signed by a CA's key or by the cluster
"""

from components.certificate_authority import CertificateAuthority, certificate_authority
from components.client_certificates import ClientCertificates
from components.rollout import Rollout

__all__ = ["CertificateAuthority", "ClientCertificates", "Rollout", "certificate_authority"]
