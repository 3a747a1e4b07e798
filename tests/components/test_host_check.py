"""The host check retries a host that doesn't answer, and reports at once what a host refuses."""

import asyncio
import getpass
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr

from components import host_check
from components.host_check import HostError, try_host
from development.pulumi_stand_ins.tests.ssh_server import SshServer
from settings import SSH, KubeProxyConfiguration, NodeSettings
from settings.addresses import Address


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter tries, and no pause between them."""
    monkeypatch.setattr(host_check, "SECONDS", 5)
    monkeypatch.setattr(host_check, "PAUSE_SECONDS", 0)


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@asynccontextmanager
async def busy(server: SshServer, silent: int) -> AsyncIterator[tuple[int, list[int]]]:
    """Forward to the server, but drop the first connections; yields the port and a list of the connections' numbers."""
    seen: list[int] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(len(seen) + 1)
        if len(seen) <= silent:
            writer.close()
            return
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer), return_exceptions=True)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], seen


def node(server: SshServer, port: int, key: str | None = None, host_key: str | None = None) -> NodeSettings:
    ssh = SSH("127.0.0.1", port, getpass.getuser(), SecretStr(key or server.private_key), host_key or server.host_key())
    return NodeSettings("k8s-node01", Address("192.168.99.101"), {}, KubeProxyConfiguration(), ssh)


def tried(server: SshServer, silent: int) -> list[int]:
    async def run() -> list[int]:
        async with busy(server, silent) as (port, seen):
            await try_host(node(server, port))
            return seen

    return asyncio.run(run())


def test_host_that_answers_in_one_of_three_tries_is_accepted(server: SshServer) -> None:
    assert tried(server, silent=0) == [1]
    assert tried(server, silent=2) == [1, 2, 3]


def test_host_that_never_answers_is_reported_with_its_node(server: SshServer) -> None:
    with pytest.raises(
        HostError, match=r"k8s-node01: host check: .* tried 3 times: .*; start the host, repair the connection"
    ):
        tried(server, silent=9)


class TestAgent:
    """The command plugin connects to the agent of SSH_AUTH_SOCK, although it has a private key."""

    @pytest.fixture
    def agent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        return tmp_path / "agent"

    def test_agent_that_listens_is_left_alone(self, server: SshServer, agent: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(agent))
            listening.listen()
            assert tried(server, silent=0) == [1]

    def test_empty_variable_means_no_agent(self, server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSH_AUTH_SOCK", "")
        assert tried(server, silent=0) == [1]

    @pytest.mark.parametrize(("bound", "reason"), [(False, "No such file or directory"), (True, "Connection refused")])
    def test_socket_without_an_agent_is_reported_before_any_host_is_contacted(
        self, server: SshServer, agent: Path, bound: bool, reason: str
    ) -> None:
        if bound:
            with socket.socket(socket.AF_UNIX) as ended:
                ended.bind(str(agent))
        before = server.connections()
        with pytest.raises(HostError) as raised:
            tried(server, silent=0)
        assert re.fullmatch(
            rf"host check: SSH_AUTH_SOCK is {agent}, where an SSH agent must accept connections: .*{reason}; "
            r"run unset SSH_AUTH_SOCK or start the agent, then run pulumi up again",
            str(raised.value),
        )
        assert server.connections() == before


def test_refused_login_or_wrong_host_key_is_not_tried_again(server: SshServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")

    async def refused(reason: str, **given: str) -> None:
        async with busy(server, 0) as (port, seen):
            with pytest.raises(HostError, match=reason):
                await try_host(node(server, port, **given))
            assert seen == [1]

    asyncio.run(refused("must accept user .* with the SSH key SHA256:", key=other.export_private_key().decode()))
    asyncio.run(refused("it has another one", host_key=other.export_public_key().decode()))
