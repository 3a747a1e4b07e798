"""What is asked of whoever issues a client certificate, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Wanted:
    """A certificate for the owner of a key, as its request says; for clients, always."""

    private_key_pem: pulumi.Output[str]
    """A secret."""
    request_pem: pulumi.Output[str]
    key_usages: Sequence[str]
    """As the tls plugin names them: ``digital_signature``."""


@dataclass(frozen=True)
class Issued:
    """A certificate without its issuers; times are RFC 3339, in any zone, with or without fractions of a second."""

    certificate_pem: pulumi.Output[str]
    not_before: pulumi.Output[str]
    not_after: pulumi.Output[str]
