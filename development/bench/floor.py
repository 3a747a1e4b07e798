"""The floor: one SSH connection a node, over which one script does everything. It validates and rolls back nothing.

Run in the directory of the guide's files: `python -m development.bench.floor`.
"""

import asyncio
import io
import json
import re
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

_CONNECTIONS = 64
"""At most so many at a time."""

_UNPACK_AND_RUN = 'set -eu; d=$(mktemp -d /run/floor.XXXXXX); trap "rm -rf $d" EXIT; cd $d; tar -x; sh ./floor.sh'
_PLAIN = ("kube-proxy.kubeconfig", "kube-proxy.conf", "floor.sh")
_TEMPLATES = ("kube-proxy-config.yaml.j2", "kube-proxy.service.j2")


def render(template: str, variables: Mapping[str, Any]) -> str:
    """Replace each `{{ name }}` or `{{ name.key }}`."""

    def value(match: re.Match[str]) -> str:
        found: Any = variables
        for key in match[1].split("."):
            found = found[key]
        return str(found)

    return re.sub(r"{{ ([\w.]+) }}", value, template)


def archive(node: Mapping[str, Any]) -> bytes:
    """Return a tar archive of the node's files and the script."""
    files = {name: Path(name).read_text() for name in _PLAIN}
    files |= {name.removesuffix(".j2"): render(Path(name).read_text(), node["variables"]) for name in _TEMPLATES}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


async def _deploy(node: Mapping[str, Any], slots: asyncio.Semaphore) -> bool:
    async with (
        slots,
        asyncssh.connect(
            node["address"],
            username=node["ssh_user"],
            client_keys=[node["ssh_key"]],
            known_hosts=node["ssh_known_hosts_file"],
            agent_path=None,
            config=None,
        ) as connection,
    ):
        command = f"sh -c '{_UNPACK_AND_RUN} {node['address']}'"
        done = await connection.run(command, input=archive(node), encoding=None)
        sys.stderr.buffer.write(done.stderr if isinstance(done.stderr, bytes) else b"")
        return done.exit_status == 0


async def _main() -> bool:
    slots = asyncio.Semaphore(_CONNECTIONS)
    return all(await asyncio.gather(*(_deploy(node, slots) for node in json.loads(Path("nodes.json").read_text()))))


if __name__ == "__main__":
    sys.exit(not asyncio.run(_main()))
