"""Upload the binary again if the node's copy is missing or damaged.

A power cut soon after the upload loses what the node had not synced, and the plugin doesn't repeat an upload that is in
its state. So a hook checks the node's copy before the stage that needs it.
"""

import asyncio
import shlex
from pathlib import Path, PurePosixPath

import asyncssh
import pulumi
from pulumi import ResourceHookArgs

from components.connection_loop import run_apart
from components.host_check import HostError, connect
from settings import Binary, NodeSettings

BINARIES = PurePosixPath("/var/lib/kube-proxy-generations/binaries")
"""The node's directory of uploaded binaries, each named by its digest (scripts/stage.sh)."""

CHECK_SECONDS = 60
UPLOAD_SECONDS = 900


def remote_path(binary: Binary) -> PurePosixPath:
    """Return the path of the binary on a node: nothing live is there."""
    return BINARIES / _digest(binary)


def _digest(binary: Binary) -> str:
    """Return the SHA-256 of the file: with source file, it is the only one."""
    return next(iter(binary.sha256.values()))


def binary_check(node: NodeSettings, binary: Binary, path: Path) -> pulumi.ResourceHook:
    """Return the hook for the stage that needs the binary."""

    async def check(_: ResourceHookArgs) -> None:
        await run_apart(repair(node, binary, path))

    return pulumi.ResourceHook(f"binary-{node.name}", check)


async def repair(node: NodeSettings, binary: Binary, path: Path) -> None:
    """Upload the binary again unless the node has it. Raises HostError if that fails."""
    try:
        async with connect(node) as connection:
            if not await asyncio.wait_for(_is_complete(connection, binary), CHECK_SECONDS):
                pulumi.log.info(
                    f"{node.name}: the uploaded binary is missing or damaged on the node: uploading it again"
                )
                await asyncio.wait_for(_upload(connection, binary, path), UPLOAD_SECONDS)
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise HostError(
            f"{node.name}: binary: {path.name} must be at {remote_path(binary)} on the node, but the upload failed: "
            f"{error or type(error).__name__}; run pulumi up again"
        ) from error


async def _is_complete(connection: asyncssh.SSHClientConnection, binary: Binary) -> bool:
    result = await connection.run(f"sha256sum {shlex.quote(str(remote_path(binary)))}")
    return str(result.stdout).startswith(f"{_digest(binary)} ")


async def _upload(connection: asyncssh.SSHClientConnection, binary: Binary, path: Path) -> None:
    """Upload under another name, sync, rename: a file with the right name is complete."""
    target = str(remote_path(binary))
    async with connection.start_sftp_client() as sftp:
        await sftp.makedirs(str(BINARIES), exist_ok=True)
        await sftp.put(str(path), f"{target}.new", follow_symlinks=True)
    new, old = shlex.quote(f"{target}.new"), shlex.quote(target)
    await connection.run(f"sync {new} && mv -f {new} {old}", check=True)
