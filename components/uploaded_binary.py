"""Is the operator's binary, once uploaded, still whole on the node? It is sent again where it isn't.

A power cut soon after the upload takes away what the node had not synced, and the plugin's copy, which is in the
state, isn't made again. So a hook looks before the stage that needs the binary, and the next ``pulumi up`` converges.
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
"""Where a node keeps uploaded binaries, each named by its digest (scripts/stage.sh)."""

LOOK_SECONDS = 60
SEND_SECONDS = 900


def remote_path(binary: Binary) -> PurePosixPath:
    """Returns where the binary is on a node: nothing live is there."""
    return BINARIES / digest(binary)


def digest(binary: Binary) -> str:
    """Returns the SHA-256, in hex, of the operator's file."""
    return next(iter(binary.sha256.values()))


def binary_check(node: NodeSettings, binary: Binary, path: Path) -> pulumi.ResourceHook:
    """Returns the hook that has the binary whole on the node: for before the stage that needs it."""

    async def check(_: ResourceHookArgs) -> None:
        await run_apart(make_whole(node, binary, path))

    return pulumi.ResourceHook(f"binary-{node.name}", check)


async def make_whole(node: NodeSettings, binary: Binary, path: Path) -> None:
    """Looks for the binary on the node and sends it once more where it isn't whole. Raises HostError."""
    try:
        async with connect(node) as connection:
            if not await asyncio.wait_for(_is_whole(connection, binary), LOOK_SECONDS):
                pulumi.log.info(f"{node.name}: the uploaded binary is not whole on the node: sent again")
                await asyncio.wait_for(_send(connection, binary, path), SEND_SECONDS)
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise HostError(
            f"{node.name}: binary: {path.name} must be at {remote_path(binary)} on the node, and can't be sent: "
            f"{error or type(error).__name__}; then run pulumi up again"
        ) from error


async def _is_whole(connection: asyncssh.SSHClientConnection, binary: Binary) -> bool:
    asked = await connection.run(f"sha256sum {shlex.quote(str(remote_path(binary)))}")
    return str(asked.stdout).startswith(f"{digest(binary)} ")


async def _send(connection: asyncssh.SSHClientConnection, binary: Binary, path: Path) -> None:
    """Under another name, synced, then renamed: what is there by its own name is whole."""
    target = str(remote_path(binary))
    async with connection.start_sftp_client() as sftp:
        await sftp.makedirs(str(BINARIES), exist_ok=True)
        await sftp.put(str(path), f"{target}.new", follow_symlinks=True)
    new, old = shlex.quote(f"{target}.new"), shlex.quote(target)
    await connection.run(f"sync {new} && mv -f {new} {old}", check=True)
