"""kube-proxy's identity: an RSA key and a client certificate for the user ``system:kube-proxy``.

Owns the key, the request and the certificate; does not own the CA, which is the cluster's.
"""

from datetime import UTC, datetime, timedelta

import pulumi
import pulumi_tls as tls

from settings import CertificateAuthority, Subject
from settings import ClientCertificate as ClientCertificateSettings

USER = "system:kube-proxy"
"""The user that the API server binds to the ClusterRole system:node-proxier when it starts."""


class ClientCertificate(pulumi.ComponentResource):
    """A key (RSA 2048) and its certificate: CN=system:kube-proxy, no subject alternative name, client auth only.

    The first ``pulumi up`` within ``renew_before_hours`` of the certificate's end issues it again, for the same key.
    """

    subject: str
    """The subject as ``openssl x509 -subject`` prints it."""
    certificate_pem: pulumi.Output[str]
    """The certificate, then those of its issuers below the root: an API server may know the root alone."""
    private_key_pem: pulumi.Output[str]
    """PKCS#1 PEM; a secret."""
    not_before: pulumi.Output[str]
    """RFC 3339, in UTC, to the second."""
    not_after: pulumi.Output[str]
    """RFC 3339, in UTC, to the second."""

    def __init__(
        self,
        name: str,
        settings: ClientCertificateSettings,
        authority: CertificateAuthority,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kube-proxy:index:ClientCertificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        subject = settings.subject
        self.subject = ", ".join(f"{part} = {value}" for part, value in _parts(subject) if value)
        key = tls.PrivateKey(f"{name}-key", algorithm="RSA", rsa_bits=2048, opts=child)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(
                common_name=USER,
                country=subject.country,
                province=subject.province,
                locality=subject.locality,
                organization=subject.organization,
                organizational_unit=subject.organizational_unit,
            ),
            opts=child,
        )
        certificate = tls.LocallySignedCert(
            name,
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=authority.certificate_pem,
            ca_private_key_pem=pulumi.Output.secret(authority.private_key_pem.get_secret_value()),
            allowed_uses=["digital_signature", "key_encipherment", "client_auth"],
            validity_period_hours=settings.validity_hours,
            early_renewal_hours=settings.renew_before_hours,
            opts=pulumi.ResourceOptions(parent=self, hooks=_when_issued(settings, authority)),
        )
        self.certificate_pem = certificate.cert_pem.apply(lambda pem: pem + authority.chain_pem)
        self.private_key_pem = key.private_key_pem
        self.not_before = certificate.validity_start_time.apply(_to_the_second)
        self.not_after = certificate.validity_end_time.apply(_to_the_second)
        self.register_outputs({"notBefore": self.not_before, "notAfter": self.not_after})


def check_end(settings: ClientCertificateSettings, authority: CertificateAuthority) -> None:
    """Raises ValueError where a certificate issued now would outlive its CA."""
    end = datetime.now(UTC) + timedelta(hours=settings.validity_hours)
    if end > authority.not_after:
        left = (authority.not_after - datetime.now(UTC)) // timedelta(hours=1)
        raise ValueError(
            f'clientCertificate.validityHours: Invalid value: "{settings.validity_hours}": must end before the '
            f"certificate authority does: {end:%Y-%m-%d} is after {authority.not_after:%Y-%m-%d}: use at most "
            f"{left}, or renew the certificate authority"
        )


def _when_issued(settings: ClientCertificateSettings, authority: CertificateAuthority) -> pulumi.ResourceHookBinding:
    """Checks the end in a preview too, but only where a certificate is about to be issued.

    The limit moves with the clock: one that was issued in time stays good.
    """

    def check(_: pulumi.ResourceHookArgs) -> None:
        check_end(settings, authority)

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    return pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook("certificate-end", check, options)])


def _parts(subject: Subject) -> list[tuple[str, str | None]]:
    return [
        ("C", subject.country),
        ("ST", subject.province),
        ("L", subject.locality),
        ("O", subject.organization),
        ("OU", subject.organizational_unit),
        ("CN", USER),
    ]


def _to_the_second(timestamp: str) -> str:
    """The tls plugin gives fractions of a second in the zone of the machine that it ran on."""
    return datetime.fromisoformat(timestamp).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
