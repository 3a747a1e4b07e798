"""How Pulumi logs in to each node: the node's own `ssh` over `kube-proxy:ssh`."""

import re
from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr

from settings.addresses import host_and_port
from settings.files import Files
from settings.private_keys import parse_file_or_secret, ssh_key
from settings.problems import OMITTED, Location, Problems
from settings.stack import BastionSection, NodeSection, Stack


@dataclass(frozen=True)
class SSH:
    """The login to a host. The private key is unencrypted PEM, the pinned host key is `<type> <base64>`."""

    host: str
    port: int
    user: str
    private_key: SecretStr
    host_key: str
    sudo_password: SecretStr | None = None
    """For a user who is not root; None if sudo doesn't ask."""
    bastion: Self | None = None
    """The host through which this one is reached."""


@dataclass(frozen=True)
class FleetLogin:
    """What nodes without their own values get; None if it has a problem, or if no node needs it."""

    private_key: SecretStr | None
    bastion: SSH | None


def endpoint(stack: Stack, section: NodeSection) -> str | None:
    """Return what leads to a node's SSH server, or None if the node has neither an address nor an SSH host."""
    host = section.ssh.host or section.address
    bastion = section.ssh.bastion if _has_own_bastion(section) else stack.ssh.bastion
    way = f" through {bastion.host}" if bastion else ""
    return host and host_and_port(host, _port(stack, section)) + way


def read_fleet_login(stack: Stack, sections: list[NodeSection], files: Files) -> FleetLogin:
    """Return the private key for nodes without a key of their own, and the bastion for nodes that don't name one."""
    name, secret, bastion = stack.ssh.private_key_file, stack.ssh_private_key, stack.ssh.bastion
    key = None
    needed = not sections or (bastion and not bastion.private_key_file) or not all(map(_has_own_key, sections))
    if needed or name is not None or secret is not None:
        what = "the SSH private key (e.g. ~/.ssh/id_ed25519)"
        key = parse_file_or_secret(files, name, ("ssh", "privateKeyFile"), secret, ("sshPrivateKey",), ssh_key, what)
    at = ("ssh", "bastion")
    return FleetLogin(key, _read_bastion(bastion, at, stack.ssh.user or "root", key, files))


def read_ssh(stack: Stack, section: NodeSection, at: Location, fleet: FleetLogin, files: Files) -> SSH | None:
    """Return the login to a node, or None and problems."""
    host, port = section.ssh.host or section.address, _port(stack, section)
    _require_host_key(section.host_key, host, port, at, "the node", files.problems)
    key, user = fleet.private_key, section.ssh.user or stack.ssh.user or "root"
    if (name := section.ssh.private_key_file) is not None:
        key = files.parse(name, (*at, "ssh", "privateKeyFile"), ssh_key)
    bastion = fleet.bastion
    if _has_own_bastion(section):
        bastion = _read_bastion(section.ssh.bastion, (*at, "ssh", "bastion"), user, key, files)
    if not host or section.host_key is None or key is None:
        return None
    return SSH(host, port, user, key, section.host_key, None if user == "root" else stack.sudo_password, bastion)


def check_sudo_password(stack: Stack, sections: list[NodeSection], problems: Problems) -> None:
    """Report a password that sudo can't read, and warn if no node needs it."""
    if (password := stack.sudo_password) is None:
        return
    if not re.fullmatch(r"[^\n\0]+", password.get_secret_value()):
        problems.invalid(("sudoPassword",), OMITTED, "must be one line: the password that sudo asks ssh.user for")
    if all((section.ssh.user or stack.ssh.user or "root") == "root" for section in sections):
        problems.warn(("sudoPassword",), OMITTED, "is not used: every node's ssh.user is root")


def _read_bastion(
    section: BastionSection | None, at: Location, user: str, key: SecretStr | None, files: Files
) -> SSH | None:
    """Return the login to a bastion, if there is one; the given user and key are for one that names none."""
    if section is None:
        return None
    host, port = section.host, section.port or 22
    _require_host_key(section.host_key, host, port, at, "the bastion", files.problems)
    if (name := section.private_key_file) is not None:
        key = files.parse(name, (*at, "privateKeyFile"), ssh_key)
    if not host or section.host_key is None or key is None:
        return None
    return SSH(host, port, section.user or user, key, section.host_key)


def _require_host_key(
    host_key: str | None, host: str | None, port: int, at: Location, whose: str, problems: Problems
) -> None:
    if host_key is None:
        scan = f"ssh-keyscan -t ed25519 -p {port} {host}" if host else "ssh-keyscan -t ed25519 HOST"
        must = f"must be {whose}'s SSH host key, without the host name before it: {scan}"
        problems.required((*at, "hostKey"), must)


def _has_own_key(section: NodeSection) -> bool:
    return section.ssh.private_key_file is not None


def _has_own_bastion(section: NodeSection) -> bool:
    """Return whether the node says how it is reached: through which bastion, or, with a null, directly."""
    return "bastion" in section.ssh.model_fields_set


def _port(stack: Stack, section: NodeSection) -> int:
    return section.ssh.port or stack.ssh.port or 22
