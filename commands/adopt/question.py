"""One question to a node: its host key, one login, and what question.sh answers, as text."""

import asyncio
import re
import secrets
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh
from pydantic import SecretStr

from commands.adopt.sources import Host
from components import privilege
from components.connection import SECONDS, LoginError, log_in
from components.host import run
from settings import SSH
from settings.host_keys import HOST_KEY_TYPES

AT_ONCE: Final = 32
"""How many nodes are asked at a time."""
ANSWER_SECONDS: Final = 90
LARGEST: Final = 4 << 20
"""Bytes of an answer; question.sh limits each part of it."""

_SCRIPT: Final = Path(__file__).with_name("question.sh")


@dataclass(frozen=True)
class Asked:
    """A host that answered."""

    host: Host
    user: str
    port: int
    host_key: str
    known: bool
    """The host key was in known_hosts; otherwise it was trusted on first use."""
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Login:
    """How to log in where a host has nothing of its own."""

    user: str
    port: int
    bastion: tuple[str, str, int] | None
    """User, host and port of the host through which the nodes are reached."""
    sudo_password: SecretStr | None = None
    """What sudo asks users other than root for."""


async def ask_all(
    hosts: Sequence[Host], login: Login, keys: Mapping[str | None, SecretStr | None], known_hosts: Path
) -> tuple[list[Asked | str], SSH | None]:
    """Ask every host; return the answers of each, or the reason why there are none, and the bastion with its host key.

    Args:
        hosts: the hosts.
        login: how to log in.
        keys: the private key by its file's name, or None for the SSH agent's keys; that of None is for hosts without a
            file of their own.
        known_hosts: a file in OpenSSH's format; it need not exist.

    Raises:
        ValueError: that file is in another format, or the bastion can't be used.
    """
    # Once: a node's login would have no time while the file is read for another one.
    known = _read_known_hosts(known_hosts)
    bastion, tunnel = await _bastion(login.bastion, keys[None], known) if login.bastion else (None, None)
    free = asyncio.Semaphore(AT_ONCE)

    async def ask_one(host: Host) -> Asked | str:
        async with free:
            try:
                host_key, is_known = await _host_key(known, host.host, host.port or login.port, tunnel)
                key, user = keys[host.private_key_file], host.user or login.user
                password = None if user == "root" else login.sudo_password
                ssh = SSH(host.host, host.port or login.port, user, key, host_key, password, bastion)
                return await _ask(host, ssh, is_known)
            except LoginError as error:
                return str(error)
            except (OSError, asyncssh.Error, TimeoutError) as error:
                return f"must answer as an SSH server: {str(error) or f'no answer within {SECONDS} s'}"
            except ValueError as error:
                return str(error)

    return await asyncio.gather(*map(ask_one, hosts)), bastion


async def _bastion(
    login: tuple[str, str, int], key: SecretStr | None, known_hosts: asyncssh.SSHKnownHosts
) -> tuple[SSH, asyncssh.SSHClientConnection]:
    user, host, port = login
    try:
        bastion = SSH(host, port, user, key, (await _host_key(known_hosts, host, port, None))[0])
        return bastion, await log_in(bastion)
    except (LoginError, OSError, asyncssh.Error, TimeoutError, ValueError) as error:
        raise ValueError(f"bastion: {str(error) or f'no SSH answer within {SECONDS} s'}") from None


async def _host_key(
    known_hosts: asyncssh.SSHKnownHosts, host: str, port: int, tunnel: asyncssh.SSHClientConnection | None
) -> tuple[str, bool]:
    """Return a host's key, and whether known_hosts has it. Otherwise nothing proves that it is the host's."""
    known, revoked = _known_host_keys(known_hosts, host, port)
    host_key = known[0] if known else await _scan(host, port, tunnel)
    if host_key in revoked:
        raise ValueError("the host key must not be revoked, as it is in known_hosts")
    return host_key, bool(known)


async def _ask(host: Host, ssh: SSH, known: bool) -> Asked:
    mark = secrets.token_hex(16)
    command = privilege.as_root(ssh, "/bin/sh", "-s", mark)
    async with await log_in(ssh) as connection:
        try:
            output = await asyncio.wait_for(_run(connection, ssh, command), ANSWER_SECONDS)
        except TimeoutError:
            raise ValueError(f"/bin/sh must answer within {ANSWER_SECONDS} s, did not") from None
        finally:
            connection.abort()  # a host may never close its side
    found = answers(output.decode(errors="replace"), mark)
    if "end" not in found:
        shown = command.removeprefix("exec ").partition(" -s ")[0]
        raise ValueError(f"/bin/sh must run as root for user {ssh.user} ({shown}): it did not finish")
    return Asked(host, ssh.user, ssh.port, ssh.host_key, known, found)


async def _run(connection: asyncssh.SSHClientConnection, ssh: SSH, command: str) -> bytes:
    output = b""
    password = await _password(connection, ssh)
    process = await connection.create_process(command, encoding=None, stderr=asyncssh.DEVNULL)
    process.stdin.write(password + _SCRIPT.read_bytes())
    process.stdin.write_eof()
    while part := await process.stdout.read(65536):
        output += part
        if len(output) > LARGEST:
            raise ValueError(f"the answer must be at most {LARGEST >> 20} MiB, is longer")
    return output


async def _password(connection: asyncssh.SSHClientConnection, ssh: SSH) -> bytes:
    """Return the line that sudo reads. If it asks for none, the shell would run that line as a command."""
    if ssh.sudo_password is None:
        return b""
    line = privilege.password_line(ssh).encode()
    answer = await run(connection, privilege.check_command(ssh), line)
    if privilege.ROOT not in answer.lines:
        printed = privilege.without_password(ssh, answer.printed)
        raise ValueError(f"sudo must accept the password for user {ssh.user}, but the host printed: {printed}")
    return b"" if privilege.UNASKED in answer.lines else line


def answers(output: str, mark: str) -> dict[str, str]:
    """Return the answers by name. Lines without the mark are not the script's."""
    found = re.findall(rf"^{mark} ([a-z0-9-]+) ([A-Za-z0-9+/=]*)\r?$", output, re.MULTILINE)
    return {name: _decoded(encoded) for name, encoded in found}


def _decoded(encoded: str) -> str:
    try:
        return b64decode(encoded).decode(errors="replace")
    except ValueError:
        return ""


def _read_known_hosts(file: Path) -> asyncssh.SSHKnownHosts:
    try:
        return asyncssh.import_known_hosts(file.read_text(encoding="utf-8") if file.exists() else "")
    except (ValueError, OverflowError) as error:  # the second for an RSA key with a negative number
        raise ValueError(f"{file}: must be a known_hosts file: {error}") from None


def _known_host_keys(known: asyncssh.SSHKnownHosts, host: str, port: int) -> tuple[list[str], list[str]]:
    """Return the host's keys in known_hosts that a stack may pin, the preferred one first, and the revoked ones."""
    trusted, _, revoked, *_ = known.match(host, "", None if port == 22 else port)
    texts = [text for text in map(_text, trusted) if text.split()[0] in HOST_KEY_TYPES]
    return sorted(texts, key=lambda text: HOST_KEY_TYPES.index(text.split()[0])), [_text(key) for key in revoked]


async def _scan(host: str, port: int, tunnel: asyncssh.SSHClientConnection | None) -> str:
    """Return the host's key as ssh-keyscan does."""
    asked = asyncssh.get_server_host_key(
        host, port, tunnel=tunnel or (), server_host_key_algs=HOST_KEY_TYPES, config=None
    )
    key = await asyncio.wait_for(asked, SECONDS)
    if key is None:
        raise ValueError(f"{host}:{port} must have a host key of type {', '.join(HOST_KEY_TYPES)}")
    return _text(key)


def _text(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key("openssh").decode().split()[:2])
