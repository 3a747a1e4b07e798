"""How each node is logged in to: `kube-proxy:ssh` with the node's own `ssh` over it."""

from typing import NamedTuple

from pydantic import SecretStr

from settings.files import Files
from settings.model import SSH
from settings.private_keys import one_of_file_and_secret, parse_ssh
from settings.problems import OMITTED, Location
from settings.stack import NodeSection, Stack

_DEFAULT_PORT = 22


class Endpoint(NamedTuple):
    """Where a node's SSH server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint(stack: Stack, section: NodeSection) -> Endpoint | None:
    """Return where a node's SSH server listens, unless the node has neither address nor SSH host."""
    host = section.ssh.host or section.address
    return None if host is None else Endpoint(host, section.ssh.port or stack.ssh.port or _DEFAULT_PORT)


def fleet_private_key(stack: Stack, sections: list[NodeSection], files: Files) -> SecretStr | None:
    """Return the key for the nodes that name none of their own."""
    name, secret = stack.ssh.private_key_file, stack.ssh_private_key
    if name is None and secret is None and sections and all(section.ssh.private_key_file for section in sections):
        return None
    what = "the SSH private key (e.g. ~/.ssh/id_ed25519)"
    found = one_of_file_and_secret(files, name, ("ssh", "privateKeyFile"), secret, ("sshPrivateKey",), what)
    return None if found is None else _usable(*found, OMITTED if name is None else name, files)


def read(stack: Stack, section: NodeSection, at: Location, fleet_key: SecretStr | None, files: Files) -> SSH | None:
    """Return how to log in to a node, or None and problems."""
    to = endpoint(stack, section)
    if section.host_key is None:
        scan = f"ssh-keyscan -t ed25519 -p {to.port} {to.host}" if to else "ssh-keyscan -t ed25519 HOST"
        files.problems.required(
            (*at, "hostKey"), f"must be the node's SSH host key, without the host's name before it: {scan}"
        )
    key = fleet_key
    if (name := section.ssh.private_key_file) is not None:
        place = (*at, "ssh", "privateKeyFile")
        text = files.text(name, place)
        key = None if text is None else _usable(text, place, name, files)
    if to is None or section.host_key is None or key is None:
        return None
    user = section.ssh.user or stack.ssh.user or "root"
    return SSH(host=to.host, port=to.port, user=user, private_key=key, host_key=section.host_key)


def _usable(pem: str, at: Location, shown: object, files: Files) -> SecretStr | None:
    try:
        parse_ssh(pem)
    except ValueError as error:
        files.problems.invalid(at, shown, str(error))
        return None
    return SecretStr(pem)
