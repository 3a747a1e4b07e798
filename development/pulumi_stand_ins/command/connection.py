"""The `connection` input of command:remote resources: how to reach a host (pulumi-command's ConnectionArgs).

This stand-in has no passwords and no passphrases, because the program uses neither.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from development.pulumi_stand_ins.plugin.property_values import Secret, Value, secret
from development.pulumi_stand_ins.plugin.resource import OperationError

if TYPE_CHECKING:
    import asyncssh

_DEFAULTS: dict[str, Any] = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_KNOWN = {"host", "hostKey", "privateKey", "agentSocketPath", *_DEFAULTS}


@dataclass(frozen=True)
class Connection:
    """A host, how to reach it, and the keys of both sides."""

    host: str
    port: int
    user: str
    dial_error_limit: int
    """The number of retries after a failed attempt; -1 for no limit."""
    per_dial_timeout_seconds: int
    """For the TCP connect only, as in the official plugin: the handshake has no limit. 0 for no limit."""
    host_key: asyncssh.SSHKey | None
    """The only host key that is accepted; None accepts any key, without a warning."""
    private_key: asyncssh.SSHKey | None = field(repr=False)
    agent_socket_path: str | None
    """Socket of an SSH agent, from the input or from SSH_AUTH_SOCK; None for no agent."""
    proxy: Connection | None = None


def parse_connection(inputs: Mapping[str, Any]) -> Connection:
    """Parse revealed inputs. Raises OperationError with the official plugin's text."""
    proxy = inputs.get("proxy")
    try:
        bastion = None if proxy is None else parse_connection(proxy)
    except OperationError as error:
        raise OperationError(f"proxy: {error}") from None
    values = _DEFAULTS | dict(inputs)
    host_key, private_key = values.get("hostKey"), values.get("privateKey")
    return Connection(
        host=values["host"],
        port=int(values["port"]),
        user=values["user"],
        dial_error_limit=int(values["dialErrorLimit"]),
        per_dial_timeout_seconds=int(values["perDialTimeout"]),
        host_key=None if host_key is None else _host_key(host_key),
        private_key=None if private_key is None else _private_key(private_key),
        agent_socket_path=values.get("agentSocketPath", os.environ.get("SSH_AUTH_SOCK") or None),
        proxy=bastion,
    )


def mark_private_keys(connection: Value) -> Value:
    """Return the input with its private keys as secrets. The connection that holds them is a secret itself."""
    match connection:
        case Secret(inner):
            return Secret(mark_private_keys(inner))
        case dict():
            marked = {key: secret(value) if key == "privateKey" else value for key, value in connection.items()}
            return marked | ({"proxy": mark_private_keys(marked["proxy"])} if "proxy" in marked else {})
    return connection


def unknown_inputs(connection: Value, path: str = "connection") -> list[str]:
    """Return the paths of inputs that this stand-in doesn't know."""
    match connection:
        case Secret(inner):
            return unknown_inputs(inner, path)
        case dict():
            known = _KNOWN if path.endswith(".proxy") else _KNOWN | {"proxy"}
            unknown = [f"{path}.{key}" for key in connection.keys() - known]
            return sorted(unknown + unknown_inputs(connection.get("proxy"), f"{path}.proxy"))
    return []


def _host_key(text: str) -> asyncssh.SSHKey:
    """Parse the first key of a text in the authorized_keys format. Options before it, or a host name, are skipped."""
    import asyncssh

    for line in text.splitlines():
        fields = line.split()
        for position in range(1, min(len(fields), 3)):
            try:
                return asyncssh.import_public_key(" ".join(fields[position - 1 : position + 1]))
            except (asyncssh.KeyImportError, ValueError):
                continue
    raise OperationError("failed to parse host key: ssh: no key found")


def _private_key(text: str) -> asyncssh.SSHKey:
    import asyncssh

    try:
        # asyncssh requires a final newline, Go's parser doesn't.
        return asyncssh.import_private_key(text.rstrip("\n") + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        reason = "this private key is passphrase protected" if "assphrase" in str(error) else "no key found"
        raise OperationError(f"ssh: {reason}") from None
