"""How Pulumi logs in to each node: the node's own `ssh` over `kube-proxy:ssh`."""

import re
from dataclasses import dataclass

from pydantic import SecretStr

from settings.addresses import host_and_port
from settings.files import Files
from settings.private_keys import parse_file_or_secret, ssh_key
from settings.problems import OMITTED, Location, Problems
from settings.stack import NodeSection, Stack


@dataclass(frozen=True)
class SSH:
    """The login to a node. The private key is unencrypted PEM, the pinned host key is `<type> <base64>`."""

    host: str
    port: int
    user: str
    private_key: SecretStr
    host_key: str
    sudo_password: SecretStr | None = None
    """For a user who is not root; None if sudo doesn't ask."""


def endpoint(stack: Stack, section: NodeSection) -> str | None:
    """Return the host and port of a node's SSH server, or None if the node has neither an address nor an SSH host."""
    host = section.ssh.host or section.address
    return host and host_and_port(host, _port(stack, section))


def read_fleet_key(stack: Stack, sections: list[NodeSection], files: Files) -> SecretStr | None:
    """Return the private key for nodes without a key of their own."""
    name, secret = stack.ssh.private_key_file, stack.ssh_private_key
    if name is None and secret is None and sections and all(section.ssh.private_key_file for section in sections):
        return None
    what = "the SSH private key (e.g. ~/.ssh/id_ed25519)"
    return parse_file_or_secret(files, name, ("ssh", "privateKeyFile"), secret, ("sshPrivateKey",), ssh_key, what)


def read_ssh(stack: Stack, section: NodeSection, at: Location, fleet_key: SecretStr | None, files: Files) -> SSH | None:
    """Return the login to a node, or None and problems."""
    host, port = section.ssh.host or section.address, _port(stack, section)
    if section.host_key is None:
        scan = f"ssh-keyscan -t ed25519 -p {port} {host}" if host else "ssh-keyscan -t ed25519 HOST"
        must = f"must be the node's SSH host key, without the host name before it: {scan}"
        files.problems.required((*at, "hostKey"), must)
    key = fleet_key
    if (name := section.ssh.private_key_file) is not None:
        key = files.parse(name, (*at, "ssh", "privateKeyFile"), ssh_key)
    if not host or section.host_key is None or key is None:
        return None
    user = section.ssh.user or stack.ssh.user or "root"
    return SSH(host, port, user, key, section.host_key, None if user == "root" else stack.sudo_password)


def check_sudo_password(stack: Stack, sections: list[NodeSection], problems: Problems) -> None:
    """Report a password that sudo can't read, and warn if no node needs it."""
    if (password := stack.sudo_password) is None:
        return
    if not re.fullmatch(r"[^\n\0]+", password.get_secret_value()):
        problems.invalid(("sudoPassword",), OMITTED, "must be one line: the password that sudo asks ssh.user for")
    if all((section.ssh.user or stack.ssh.user or "root") == "root" for section in sections):
        problems.warn(("sudoPassword",), OMITTED, "is not used: every node's ssh.user is root")


def _port(stack: Stack, section: NodeSection) -> int:
    return section.ssh.port or stack.ssh.port or 22
