"""Pulumi components: typed arguments in, resources and outputs out. None reads configuration or the environment.

Rollout                       the fleet: every node staged, then activated wave by wave
└── Node                      one worker: preflight, binary, stage, activate
    └── LiveGeneration        what is live on it, for the preview
OwnCertificateAuthority       a CA of the stack's own, where the cluster's isn't given
ClientCertificates            one for all nodes, or one for each
└── ClientCertificate         kube-proxy's identity: key, request, certificate signed by the CA's key or by the cluster
"""

from components.certificate_authority import CertificateAuthority, certificate_authority
from components.client_certificates import ClientCertificates
from components.node import Node, NodeArgs
from components.rollout import Rollout

__all__ = ["CertificateAuthority", "ClientCertificates", "Node", "NodeArgs", "Rollout", "certificate_authority"]
