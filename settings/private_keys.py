"""Private keys, from a file or from a secret of the stack. No message has anything of a key in it."""

from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
from cryptography.hazmat.primitives.serialization.ssh import SSHPrivateKeyTypes
from pydantic import SecretStr

from settings.files import Files
from settings.problems import Location

PrivateKey: TypeAlias = PrivateKeyTypes | SSHPrivateKeyTypes


def parse_pem(pem: str, decrypt: str) -> PrivateKey:
    """Return a private key in PKCS#1, SEC 1 or PKCS#8 form; `decrypt` is the command that takes the passphrase away.

    Raises:
        ValueError: it is none, or it is encrypted.
    """
    try:
        return load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError(f"must be unencrypted; to take its passphrase away: {decrypt}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)") from None


def parse_ssh(pem: str) -> PrivateKey:
    """Return a private key in OpenSSH's own form or one of PEM's.

    Raises:
        ValueError: it is none, or it is encrypted.
    """
    if "BEGIN OPENSSH PRIVATE KEY" not in pem:
        return parse_pem(pem, "ssh-keygen -p -N '' -f FILE")
    try:
        return load_ssh_private_key(pem.encode(), None)
    except TypeError:
        raise ValueError("must be unencrypted; to take its passphrase away: ssh-keygen -p -N '' -f FILE") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("must be a private key of SSH (e.g. made by ssh-keygen -t ed25519)") from None


def one_of_file_and_secret(
    files: Files,
    name: str | None,
    at: Location,
    secret: SecretStr | None,
    secret_at: Location,
    what: str,
    *,
    itself: str = "the key itself",
) -> tuple[str, Location] | None:
    """Return the text of `what` and where it was given, in exactly one of a file's name and a secret.

    It ends in one newline, which `pulumi config set` takes away: otherwise the same key given in the other way would
    be a change, and a certificate issued anew.
    """
    key = secret_at[-1]
    if name is not None and secret is not None:
        files.problems.forbidden(secret_at, f"must not be given beside {'.'.join(map(str, at))}: keep one of the two")
    elif secret is not None:
        return f"{secret.get_secret_value().strip()}\n", secret_at
    elif name is None:
        command = f"pulumi config set --secret kube-proxy:{key} < FILE"
        files.problems.required(
            at, f"must name the file of {what}, or {itself} must be a secret of the stack: {command}"
        )
    elif (text := files.text(name, at)) is not None:
        return f"{text.strip()}\n", at
    return None
