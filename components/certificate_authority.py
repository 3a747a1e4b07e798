"""The certificate authority (CA) that signs client certificates: the cluster's, or one that the stack generates."""

from dataclasses import dataclass
from datetime import datetime

import pulumi
import pulumi_tls as tls
from cryptography.x509 import load_pem_x509_certificate

from components.cluster_signer import ClusterSigner
from components.issuance import CertificateRequest, IssuedCertificate
from settings import CertificateAuthoritySettings, GeneratedCA, KubernetesSigner


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA with its private key, in PEM."""

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    """A secret."""
    chain_pem: str
    """What a client sends after its own certificate: the issuers below the root; empty for a root."""
    trust_bundle_pem: pulumi.Output[str]
    """What nodes verify the API servers by."""
    not_after: pulumi.Output[datetime]

    def issue(self, request: CertificateRequest) -> IssuedCertificate:
        """Sign the request. The tls plugin signs it again when a renewal is due."""
        hooks = pulumi.ResourceHookBinding(before_create=[request.announcement(self.not_after)])
        certificate = tls.LocallySignedCert(
            request.name,
            cert_request_pem=request.request_pem,
            ca_cert_pem=self.certificate_pem,
            ca_private_key_pem=self.private_key_pem,
            allowed_uses=[*request.key_usages, "client_auth"],
            validity_period_hours=request.settings.validity_hours,
            early_renewal_hours=request.settings.renew_before_hours,
            opts=pulumi.ResourceOptions(parent=request.parent, hooks=hooks),
        )
        return IssuedCertificate(certificate.cert_pem, certificate.validity_start_time, certificate.validity_end_time)


class GeneratedCertificateAuthority(pulumi.ComponentResource):
    """A CA that the stack generates once: an ECDSA P-256 key and a certificate, kept in its state, never deleted.

    It is never renewed: replacing a CA must be a deliberate act.
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
            # Not the name of the cluster's CA: in a bundle, two CAs with one name are hard to tell apart.
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


def _generate() -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[datetime]]:
    generated = GeneratedCertificateAuthority("certificate-authority")
    return generated.certificate_pem, generated.private_key_pem, generated.not_after


def _generated_by(stack: str) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[datetime]]:
    """Return certificate, private key and end of the CA that another stack has generated."""
    reference = pulumi.StackReference(stack)

    def output(name: str) -> pulumi.Output[str]:
        return reference.get_output(name).apply(lambda value: value or _raise_without_ca(stack))

    certificate_pem = pulumi.Output.unsecret(output("caCertificate"))
    not_after = certificate_pem.apply(lambda pem: load_pem_x509_certificate(pem.encode()).not_valid_after_utc)
    return certificate_pem, pulumi.Output.secret(output("caPrivateKey")), not_after


def _raise_without_ca(stack: str) -> str:
    raise pulumi.RunError(
        f"certificateAuthority.generatedBy: the stack {stack} must have the outputs caCertificate and caPrivateKey: "
        "set certificateAuthority.generate there, and run pulumi up"
    )


def certificate_authority(settings: CertificateAuthoritySettings) -> CertificateAuthority | ClusterSigner:
    """Return what issues the client certificates. A CA that is to be generated becomes a resource."""
    match settings:
        case KubernetesSigner():
            return ClusterSigner(settings)
        case GeneratedCA(trust_bundle_pem, by_stack):
            certificate_pem, private_key_pem, not_after = _generated_by(by_stack) if by_stack else _generate()
            return CertificateAuthority(
                certificate_pem=certificate_pem,
                private_key_pem=private_key_pem,
                chain_pem="",
                trust_bundle_pem=certificate_pem.apply(lambda pem: trust_bundle_pem or pem),
                not_after=not_after,
            )
        case _:
            return CertificateAuthority(
                certificate_pem=pulumi.Output.from_input(settings.certificate_pem),
                private_key_pem=pulumi.Output.secret(settings.private_key_pem.get_secret_value()),
                chain_pem=settings.chain_pem,
                trust_bundle_pem=pulumi.Output.from_input(settings.trust_bundle_pem),
                not_after=pulumi.Output.from_input(settings.not_after),
            )
