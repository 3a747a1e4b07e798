"""How Pulumi logs in to each node: the node's own `ssh` over `kube-proxy:ssh`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr

from settings.addresses import host_and_port
from settings.files import Files
from settings.known_hosts import KnownHosts
from settings.private_keys import parse_file_or_secret, ssh_key
from settings.problems import OMITTED, Location, Problems
from settings.stack import BastionSection, LoginSection, NodeSection, Stack


@dataclass(frozen=True)
class SSH:
    """The login to a host. The pinned host key is `<type> <base64>`."""

    host: str
    port: int
    user: str
    private_key: SecretStr | None
    """Unencrypted PEM; None for a key of the SSH agent."""
    host_key: str
    sudo_password: SecretStr | None = None
    """For a user who is not root; None if sudo doesn't ask."""
    bastion: Self | None = None
    """The host through which this one is reached."""


@dataclass(frozen=True)
class _Key:
    """A private key, or None for one of the SSH agent's."""

    pem: SecretStr | None


HostKeyOf = Callable[[str | None, str | None, int, Location, str], str | None]
"""Return the host key: the given one, or the one in known_hosts of a host and port. Otherwise report a problem at a
location; the last argument says whose key it is."""


@dataclass(frozen=True)
class FleetLogin:
    """What nodes without their own values get; None if it has a problem, or if no node needs it."""

    key: _Key | None
    bastion: SSH | None
    host_key: HostKeyOf


def endpoint(stack: Stack, section: NodeSection) -> str | None:
    """Return what leads to a node's SSH server, or None if the node has neither an address nor an SSH host."""
    host = section.ssh.host or section.address
    bastion = section.ssh.bastion if _has_own_bastion(section) else stack.ssh.bastion
    way = f" through {bastion.host}" if bastion else ""
    return host and host_and_port(host, _port(stack, section)) + way


def read_fleet_login(stack: Stack, sections: list[NodeSection], files: Files) -> FleetLogin:
    """Return the key for nodes without one of their own, and the bastion for nodes that don't name one."""
    host_key, bastion = _host_keys(stack, files), stack.ssh.bastion
    logins = [*(section.ssh for section in sections), *([bastion] if bastion else [])]
    given = stack.ssh.private_key_file or stack.ssh_private_key
    key = _read_fleet_key(stack, files) if given or not sections or not all(map(_has_own_key, logins)) else None
    at, user = ("ssh", "bastion"), stack.ssh.user or "root"
    return FleetLogin(key, _read_bastion(bastion, at, user, key, host_key, files), host_key)


def read_ssh(stack: Stack, section: NodeSection, at: Location, fleet: FleetLogin, files: Files) -> SSH | None:
    """Return the login to a node, or None and problems."""
    host, port = section.ssh.host or section.address, _port(stack, section)
    host_key = fleet.host_key(section.host_key, host, port, at, "the node")
    user = section.ssh.user or stack.ssh.user or "root"
    key = _read_key(section.ssh, (*at, "ssh"), fleet.key, files)
    bastion = fleet.bastion
    if _has_own_bastion(section):
        bastion = _read_bastion(section.ssh.bastion, (*at, "ssh", "bastion"), user, key, fleet.host_key, files)
    if not host or host_key is None or key is None:
        return None
    return SSH(host, port, user, key.pem, host_key, None if user == "root" else stack.sudo_password, bastion)


def check_sudo_password(stack: Stack, sections: list[NodeSection], problems: Problems) -> None:
    """Report a password that sudo can't read, and warn if no node needs it."""
    if (password := stack.sudo_password) is None:
        return
    if not re.fullmatch(r"[^\n\0]+", password.get_secret_value()):
        problems.invalid(("sudoPassword",), OMITTED, "must be one line: the password that sudo asks ssh.user for")
    if all((section.ssh.user or stack.ssh.user or "root") == "root" for section in sections):
        problems.warn(("sudoPassword",), OMITTED, "is not used: every node's ssh.user is root")


def _read_fleet_key(stack: Stack, files: Files) -> _Key | None:
    name, secret = stack.ssh.private_key_file, stack.ssh_private_key
    if stack.ssh.agent:
        if secret is not None:
            must = "must not be set together with ssh.agent: keep one of the two"
            files.problems.forbidden(("sshPrivateKey",), must)
        return _Key(None)
    what = "the SSH private key (e.g. ~/.ssh/id_ed25519)"
    pem = parse_file_or_secret(files, name, ("ssh", "privateKeyFile"), secret, ("sshPrivateKey",), ssh_key, what)
    return None if pem is None else _Key(pem)


def _read_key(section: LoginSection, at: Location, default: _Key | None, files: Files) -> _Key | None:
    if section.private_key_file is not None:
        pem = files.parse(section.private_key_file, (*at, "privateKeyFile"), ssh_key)
        return None if pem is None else _Key(pem)
    return _Key(None) if section.agent else default


def _read_bastion(
    section: BastionSection | None, at: Location, user: str, key: _Key | None, host_key_of: HostKeyOf, files: Files
) -> SSH | None:
    """Return the login to a bastion, if there is one; the given user and key are for one that names none."""
    if section is None:
        return None
    host, port = section.host, section.port or 22
    host_key = host_key_of(section.host_key, host, port, at, "the bastion")
    key = _read_key(section, at, key, files)
    if not host or host_key is None or key is None:
        return None
    return SSH(host, port, section.user or user, key.pem, host_key)


def _host_keys(stack: Stack, files: Files) -> HostKeyOf:
    name = stack.ssh.known_hosts_file
    known = None if name is None else files.parse(name, ("ssh", "knownHostsFile"), KnownHosts)

    def host_key_of(pinned: str | None, host: str | None, port: int, at: Location, whose: str) -> str | None:
        if pinned is not None:
            return pinned
        scan = f"ssh-keyscan -t ed25519 -p {port} {host}" if host else "ssh-keyscan -t ed25519 HOST"
        must = f"must be {whose}'s SSH host key, without the host name before it: {scan}"
        if name is not None:
            if known is None or not host:
                return None
            try:
                return known.host_key(host, port)
            except ValueError as error:
                must = f"must be {whose}'s SSH host key, or be in ssh.knownHostsFile: {name} {error}: {scan}"
        files.problems.required((*at, "hostKey"), must)
        return None

    return host_key_of


def _has_own_key(section: LoginSection) -> bool:
    return section.private_key_file is not None or section.agent


def _has_own_bastion(section: NodeSection) -> bool:
    """Return whether the node says how it is reached: through which bastion, or, with a null, directly."""
    return "bastion" in section.ssh.model_fields_set


def _port(stack: Stack, section: NodeSection) -> int:
    return section.ssh.port or stack.ssh.port or 22
