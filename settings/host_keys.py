"""SSH host keys, as in known_hosts, a node's /etc/ssh/ssh_host_*_key.pub and the output of ssh-keyscan."""

from base64 import b64decode, b64encode
from typing import Annotated, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from pydantic import AfterValidator

HOST_KEY_TYPES: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
"""The preferred one first."""


def _host_key(text: str) -> str:
    """Return `<type> <base64>` without the comment: an edited comment must not look like another key."""
    kind, encoded = [*text.split(), "", ""][:2]
    if kind == "ssh-rsa":
        # Pulumi's command plugin 1.2.1 offers ssh-rsa, which is RSA with SHA-1; OpenSSH has refused that since 8.8.
        raise ValueError(
            "must not be an RSA key: the command plugin offers only SHA-1 for RSA, which sshd refuses; "
            "use another key of the node: ssh-keyscan -t ed25519 HOST"
        )
    try:
        if kind in HOST_KEY_TYPES:
            load_ssh_public_key(f"{kind} {encoded}".encode())
            # That skips characters which are not Base64. Another reader may not.
            if b64encode(b64decode(encoded, validate=True)).decode() == encoded:
                return f"{kind} {encoded}"
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise ValueError(
        f"must be a host key of type {', '.join(HOST_KEY_TYPES)}, without the host name before it "
        "(e.g. ssh-ed25519 AAAAC3Nz…): see ssh-keyscan -t ed25519 HOST"
    )


HostKey: TypeAlias = Annotated[str, AfterValidator(_host_key)]
