"""Who issues the client certificates: the cluster's CA, as it was given, a CA of the stack's own, or the cluster."""

from dataclasses import dataclass
from datetime import datetime

import pulumi
import pulumi_tls as tls

from settings import CAWithKey, CertificateAuthoritySettings, GeneratedCA, KubernetesSigner


@dataclass(frozen=True)
class CertificateAuthority:
    """What issues, in PEM, and what nodes verify the API servers by."""

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    chain_pem: str
    """What a client shows after its own certificate; empty where a root issues."""
    trust_bundle_pem: pulumi.Output[str]
    not_after: pulumi.Output[datetime]


@dataclass(frozen=True)
class ClusterSigner:
    """Whom to ask in the cluster, and how; the rest is as in CertificateAuthority."""

    name: str
    provider: pulumi.ProviderResource
    approval_timeout_seconds: int
    chain_pem: str
    trust_bundle_pem: pulumi.Output[str]
    not_after: pulumi.Output[datetime]


class OwnCertificateAuthority(pulumi.ComponentResource):
    """A CA that the stack makes once: key (ECDSA P-256) and certificate, kept in its state, protected from deletion.

    It is never renewed: another CA is nothing that a cluster should meet by surprise.
    """

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """SEC 1 PEM; a secret."""
    not_after: pulumi.Output[datetime]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kube-proxy:index:CertificateAuthority", name, None, opts)
        child = pulumi.ResourceOptions(parent=self, protect=True)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        certificate = tls.SelfSignedCert(
            name,
            private_key_pem=key.private_key_pem,
            # Not the name of the cluster's CA: two authorities of one name are hard to tell apart in a bundle.
            subject=tls.SelfSignedCertSubjectArgs(common_name="kube-proxy-ca"),
            is_ca_certificate=True,
            set_subject_key_id=True,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=GeneratedCA.VALIDITY_HOURS,
            opts=child,
        )
        self.certificate_pem = certificate.cert_pem
        self.private_key_pem = key.private_key_pem
        self.not_after = certificate.validity_end_time.apply(datetime.fromisoformat)
        self.register_outputs({})


def certificate_authority(settings: CertificateAuthoritySettings) -> CertificateAuthority | ClusterSigner:
    """Returns the given CA, or has one made, or the way to the cluster's."""
    if isinstance(settings, KubernetesSigner):
        return _cluster_signer(settings)
    if isinstance(settings, CAWithKey):
        return CertificateAuthority(
            certificate_pem=pulumi.Output.from_input(settings.certificate_pem),
            private_key_pem=pulumi.Output.secret(settings.private_key_pem.get_secret_value()),
            chain_pem=settings.chain_pem,
            trust_bundle_pem=pulumi.Output.from_input(settings.trust_bundle_pem),
            not_after=pulumi.Output.from_input(settings.not_after),
        )
    own = OwnCertificateAuthority("certificate-authority")
    return CertificateAuthority(
        certificate_pem=own.certificate_pem,
        private_key_pem=own.private_key_pem,
        chain_pem="",
        trust_bundle_pem=own.certificate_pem.apply(lambda pem: settings.trust_bundle_pem or pem),
        not_after=own.not_after,
    )


def _cluster_signer(settings: KubernetesSigner) -> ClusterSigner:
    # Heavy, and wanted here only.
    from pulumi_kubernetes import Provider

    provider = Provider(
        "cluster",
        kubeconfig=pulumi.Output.secret(settings.kubeconfig.get_secret_value()),
        # Otherwise another address of the same API would be another cluster, and every certificate issued again.
        cluster_identifier="cluster",
    )
    return ClusterSigner(
        name=settings.name,
        provider=provider,
        approval_timeout_seconds=settings.approval_timeout_seconds,
        chain_pem=settings.chain_pem,
        trust_bundle_pem=pulumi.Output.from_input(settings.trust_bundle_pem),
        not_after=pulumi.Output.from_input(settings.not_after),
    )
