"""The three ways to a certificate: by the CA's key, by a CA of the stack's own, by the cluster's signer."""

from collections.abc import Mapping

from settings.model import ClusterSigner
from settings.problems import Location, Problems
from settings.stack import Stack

_SIGNER: Location = ("certificateAuthority", "signer")


def refuse_two(stack: Stack, problems: Problems) -> None:
    """Note what belongs to another way than the one that is chosen."""
    section = stack.certificate_authority
    key: dict[Location, object] = {
        ("certificateAuthority", "privateKeyFile"): section.private_key_file,
        ("caPrivateKey",): stack.ca_private_key,
    }
    asking: dict[Location, object] = {
        ("certificateAuthority", "kubeconfigFile"): section.kubeconfig_file,
        ("adminKubeconfig",): stack.admin_kubeconfig,
        ("certificateAuthority", "context"): section.context,
        ("certificateAuthority", "approvalTimeoutSeconds"): section.approval_timeout_seconds,
    }
    if section.generate:
        certificate: dict[Location, object] = {("certificateAuthority", "certificateFile"): section.certificate_file}
        beside = "must not be given beside certificateAuthority.generate: keep one of the two"
        _forbid({**certificate, **key, _SIGNER: section.signer}, beside, problems)
    elif section.signer:
        _forbid(key, "must not be given beside certificateAuthority.signer: keep one of the two", problems)
    if section.signer:
        _limit_validity(stack.client_certificate.validity_hours, problems)
    else:
        _forbid(asking, "must not be given without certificateAuthority.signer, which it belongs to", problems)


def _forbid(values: Mapping[Location, object], detail: str, problems: Problems) -> None:
    for at in (at for at, value in values.items() if value is not None):
        problems.forbidden(at, detail)


def _limit_validity(hours: int, problems: Problems) -> None:
    most = ClusterSigner.MOST_VALIDITY_HOURS
    if hours > most:
        must = f"must be at most {most} beside certificateAuthority.signer: a request counts seconds in 31 bits"
        problems.invalid(("clientCertificate", "validityHours"), hours, must)
