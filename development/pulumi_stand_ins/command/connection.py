"""The `connection` input of command:remote resources: how to reach a host (pulumi-command's ConnectionArgs)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from development.pulumi_stand_ins.plugin.property_values import Secret, Value, secret
from development.pulumi_stand_ins.plugin.resource import OperationError

if TYPE_CHECKING:
    import asyncssh

_SECRETS = ("password", "privateKey", "privateKeyPassword")
_DEFAULTS: dict[str, Any] = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_KNOWN = {"host", "hostKey", "agentSocketPath", *_SECRETS, *_DEFAULTS}


@dataclass(frozen=True)
class Connection:
    """One host, and what proves each side to the other."""

    host: str
    port: int
    user: str
    dial_error_limit: int
    """Failed attempts after which one more is the last; -1 for no limit."""
    per_dial_timeout_seconds: int
    """Of the TCP connect alone, as in the official plugin: a handshake has no limit. 0 for none."""
    host_key: asyncssh.SSHKey | None
    """The only key that the host may show; without it any key is taken, silently."""
    private_key: asyncssh.SSHKey | None = field(repr=False)
    password: str | None = field(repr=False)
    agent_socket_path: str | None
    """Socket of an SSH agent, from the input or from SSH_AUTH_SOCK; None for no agent."""
    proxy: Connection | None = None


def parse(inputs: Mapping[str, Any]) -> Connection:
    """The connection of revealed inputs. Raises OperationError in the words of the official plugin."""
    proxy = inputs.get("proxy")
    try:
        bastion = None if proxy is None else parse(proxy)
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
        private_key=None if private_key is None else _private_key(private_key, values.get("privateKeyPassword")),
        password=values.get("password"),
        agent_socket_path=values.get("agentSocketPath", os.environ.get("SSH_AUTH_SOCK") or None),
        proxy=bastion,
    )


def with_secrets(connection: Value) -> Value:
    """The input with its keys and passwords marked as secrets of their own, inside the secret that it is itself."""
    match connection:
        case Secret(inner):
            return Secret(with_secrets(inner))
        case dict():
            marked = {key: secret(value) if key in _SECRETS else value for key, value in connection.items()}
            return marked | ({"proxy": with_secrets(marked["proxy"])} if "proxy" in marked else {})
    return connection


def unknown_inputs(connection: Value, path: str = "connection") -> list[str]:
    """Property paths in the connection that neither the official plugin nor this one has."""
    match connection:
        case Secret(inner):
            return unknown_inputs(inner, path)
        case dict():
            known = _KNOWN if path.endswith(".proxy") else _KNOWN | {"proxy"}
            own = [f"{path}.{key}" for key in connection.keys() - known]
            return sorted(own + unknown_inputs(connection.get("proxy"), f"{path}.proxy"))
    return []


def _host_key(text: str) -> asyncssh.SSHKey:
    """The first key of lines in the form of authorized_keys; leading options (a host name too) are passed over."""
    import asyncssh

    for line in text.splitlines():
        fields = line.split()
        for position in range(1, min(len(fields), 3)):
            try:
                return asyncssh.import_public_key(" ".join(fields[position - 1 : position + 1]))
            except (asyncssh.KeyImportError, ValueError):
                continue
    raise OperationError("failed to parse host key: ssh: no key found")


def _private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    import asyncssh

    try:
        # asyncssh wants the final newline, which Go's parser does not.
        return asyncssh.import_private_key(text.rstrip("\n") + "\n", passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise OperationError(_key_failure(str(error), passphrase)) from None


def _key_failure(reason: str, passphrase: str | None) -> str:
    if "bcrypt" in reason:
        return (
            "a private key with a passphrase must be in PKCS#8 form: this stand-in can't unlock OpenSSH's own form, as "
            "the official plugin can; convert a copy of it with `ssh-keygen -p -m PKCS8 -f FILE`"
        )
    if passphrase is not None:
        return "x509: decryption password incorrect"
    return f"ssh: {'this private key is passphrase protected' if 'assphrase' in reason else 'no key found'}"
