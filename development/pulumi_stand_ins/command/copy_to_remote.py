"""command:remote:CopyToRemote: a text or a local file, written to a path on a host over SFTP."""

from __future__ import annotations

import secrets
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.command.connection import mark_private_keys, parse_connection, unknown_inputs
from development.pulumi_stand_ins.plugin.difference import detailed_difference, response
from development.pulumi_stand_ins.plugin.property_values import UNKNOWN, Asset, Properties, Secret, Value, reveal
from development.pulumi_stand_ins.plugin.resource import CheckFailure, Operation, OperationError, Resource

if TYPE_CHECKING:
    import asyncssh


class CopyToRemote(Resource):
    """Writes in place, only if content or path changed, not for a new host alone. Never removes a file."""

    inputs = ("connection", "source", "remotePath", "triggers")
    required = ("connection", "remotePath")

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Return the inputs with private keys as secrets. The source must be a known text or file."""
        _, failures = super().check(name, inputs)
        connection, source = inputs.get("connection"), inputs.get("source")
        failures += [CheckFailure(path, "must be an input of ConnectionArgs") for path in unknown_inputs(connection)]
        asset = source.value if isinstance(source, Secret) else source
        if not isinstance(asset, Asset):
            # The official plugin gives the same reason for a source that is unknown in a preview.
            failures.append(CheckFailure("asset", "either asset or archive must be set"))
        elif asset.text is None and asset.path is None:
            failures.append(CheckFailure("asset", "asset must be a path-based file asset or a text asset"))
        return inputs | {"connection": mark_private_keys(connection)}, failures

    def difference(self, state: Properties, inputs: Properties) -> provider_pb2.DiffResponse:
        """Every change is an update. Assets are compared by the hash of their content."""
        olds = {key: state[key] for key in self.inputs if key in state}
        return response(detailed_difference(_by_hash(olds), _by_hash(inputs)))

    async def create(self, operation: Operation, inputs: Properties) -> tuple[str, Properties]:
        """Copy the source."""
        if operation.preview:
            return "", inputs | {"source": UNKNOWN}
        await self._copy(operation, inputs)
        return secrets.token_hex(4), inputs

    async def update(self, operation: Operation, state: Properties, inputs: Properties) -> Properties:
        """Copy the source if its content or the path changed."""
        if operation.preview:
            return inputs | {"source": UNKNOWN}
        old, new = (_by_hash({key: values.get(key) for key in ("source", "remotePath")}) for values in (state, inputs))
        if reveal(old) != reveal(new):
            await self._copy(operation, inputs)
        return inputs

    async def _copy(self, operation: Operation, inputs: Properties) -> None:
        from development.pulumi_stand_ins.command.dial import dial

        values = reveal(inputs)
        async with await dial(operation, parse_connection(values["connection"])) as connection:
            await _write(connection, values["source"], values["remotePath"])


async def _write(connection: asyncssh.SSHClientConnection, source: Asset, remote_path: str) -> None:
    import asyncssh

    content = source.text.encode() if source.path is None else _read(source.path)  # type: ignore[union-attr]
    async with connection.start_sftp_client() as sftp:
        parent = str(PurePosixPath(remote_path).parent)
        try:
            await sftp.makedirs(parent, exist_ok=True)
        except asyncssh.SFTPError as error:
            raise OperationError(f"failed to create parent directories for {remote_path}: {error.reason}") from None
        target = remote_path
        if await sftp.isdir(remote_path):
            if source.path is None:
                raise OperationError(
                    f"remote path {remote_path} is a directory; when using a text asset, remotePath must be a file path"
                )
            target = str(PurePosixPath(remote_path) / Path(source.path).name)
        try:
            async with sftp.open(target, "wb") as file:
                await file.write(content)
        except asyncssh.SFTPError as error:
            raise OperationError(f"failed to create remote file {target}: sftp: {error.reason}") from None


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise OperationError(f"open {path}: {(error.strerror or str(error)).lower()}") from None


def _by_hash(values: Properties) -> Properties:
    """Return the properties with only the hashes of assets, which is all that the state keeps."""
    return {key: _only_hash(value) for key, value in values.items()}


def _only_hash(value: Value) -> Value:
    match value:
        case Secret(inner):
            return Secret(_only_hash(inner))
        case Asset():
            return Asset(value.hash)
    return value
