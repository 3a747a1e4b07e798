"""A stack's file, and SSH servers whose commands run against a fake node."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.preflight.__main__ import main
from components import connection
from tests.components.ssh_hosts import KEY, private_key, serve, write_sudo
from tests.scripts.conftest import node as node
from tests.scripts.fake_node import PROGRAMS, FakeNode

_ENV = """\
#!/bin/sh
# env -i NAME=VALUE… COMMAND, as run.sh calls it: nothing of it reaches the fake node's programs.
shift
while case $1 in *=*) ;; *) false ;; esac do shift; done
root={root} exec "$@"
"""


@dataclass(frozen=True)
class Host:
    """An SSH server for a node of the stack. Without one, the node is dead."""

    user: str = "root"
    shell: str = "/bin/sh"
    sudo: str = ""
    """Shell text that sudo runs first."""
    dead: bool = False


Ask = Callable[..., tuple[int, str, str]]
WriteStack = Callable[[Sequence[dict[str, Any]]], Path]

HOST_KEY = KEY.export_public_key().decode().strip()


@pytest.fixture(autouse=True)
def no_agent_and_no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0)


@pytest.fixture
def values(tmp_path: Path) -> dict[str, Any]:
    """A stack's keys but for its nodes. The CA is not on this machine."""
    (tmp_path / "id_ed25519").write_text(private_key(KEY).get_secret_value())
    return {
        "cluster": {"server": "https://192.168.99.100:8443", "version": "1.36.2"},
        "certificateAuthority": {"certificateFile": "ca.pem"},
        "caPrivateKey": {"secure": "v1:0123456789abcdef:ZmFrZQ=="},
        "ssh": {"privateKeyFile": "id_ed25519"},
        "binary": {"version": "1.36.2"},
        "configuration": {"mode": "ipvs"},
    }


@pytest.fixture
def write_stack(tmp_path: Path, values: dict[str, Any]) -> WriteStack:
    """Write the stack's file with these nodes."""

    def write(nodes: Sequence[dict[str, Any]]) -> Path:
        config = {f"kube-proxy:{key}": value for key, value in (values | {"nodes": list(nodes)}).items()}
        file = tmp_path / "Pulumi.prod.yaml"
        file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
        return file

    return write


@pytest.fixture
def ask(node: FakeNode, write_stack: WriteStack, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run the command for a stack with these hosts; return its exit status, its output and its errors."""
    node.install_binary()

    def run(hosts: Sequence[Host], *arguments: str) -> tuple[int, str, str]:
        async def serve_and_ask() -> int:
            async with AsyncExitStack() as running:
                nodes = []
                for number, host in enumerate(hosts, 1):
                    directory = node.path(f"/host{number}")
                    path = write_sudo(directory, host.sudo)
                    (directory / "env").write_text(_ENV.format(root=node.root))
                    (directory / "env").chmod(0o755)
                    server = await running.enter_async_context(
                        serve(f"{directory}:{PROGRAMS}:{path}:/usr/sbin:/sbin", host.shell)
                    )
                    login = {
                        "host": "127.0.0.1",
                        "port": _closed_port() if host.dead else server.port,
                        "user": host.user,
                    }
                    nodes.append(
                        {
                            "name": f"k8s-node{number:02}",
                            "address": f"192.168.99.{100 + number}",
                            "hostKey": server.host_key,
                            "ssh": login,
                        }
                    )
                node.write("addresses", " ".join(f"{each['address']}/24" for each in nodes))
                return await asyncio.to_thread(main, [str(write_stack(nodes)), *arguments])

        status = asyncio.run(serve_and_ask())
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def _closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
