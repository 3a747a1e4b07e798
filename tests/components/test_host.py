"""Deliveries to a real sshd: what arrives, what is tried again, and what is reported."""

import asyncio
import getpass
import hashlib
import re
import shlex
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from components import connection, delivery, host
from components.connection import HostError
from components.delivery import Delivery
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually, generate_key
from settings import SSH, Architecture, Binary, BinarySource, KubeProxyConfiguration, NodeSettings
from settings.addresses import Address

DELIVERY = Delivery({"NODE": "k8s-node01", "SERVER": "https://a b'c"}, {"kube-proxy.conf": "é\n"})
PREINSTALLED = Binary("1.36.2", BinarySource.PREINSTALLED, None, None, {})
CONTENT = b"\x7fELF" * 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0)


@pytest.fixture(autouse=True)
def this_machine(state: Path) -> None:
    """It is the node."""


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


def node(
    server: SshServer, port: int, key: str | None = None, host_key: str | None = None, agent: bool = False
) -> NodeSettings:
    private_key = None if agent else SecretStr(key or server.private_key)
    ssh = SSH("127.0.0.1", port, getpass.getuser(), private_key, host_key or server.host_key())
    return NodeSettings("k8s-node01", Address("192.168.99.101"), {}, KubeProxyConfiguration(), ssh)


def tried(server: SshServer, silent: int) -> list[int]:
    async def run() -> list[int]:
        async with busy(server, silent) as (port, seen):
            await host.deliver(node(server, port), DELIVERY, PREINSTALLED)
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


class TestAgentsKey:
    """`ssh.agent`: a real agent, and a server that accepts the key that it may have."""

    @pytest.fixture
    def agent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        with subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL) as process:
            try:
                eventually((tmp_path / "agent").exists)
                yield
            finally:
                process.terminate()

    def deliver(self, server: SshServer) -> None:
        asyncio.run(host.deliver(node(server, server.port, agent=True), DELIVERY, PREINSTALLED))

    def add(self, key: Path) -> None:
        subprocess.run(["ssh-add", "-q", key], check=True, stderr=subprocess.DEVNULL)

    @pytest.mark.usefixtures("agent")
    def test_key_of_the_agent_logs_in_and_is_in_no_setting(self, server: SshServer, state: Path) -> None:
        self.add(server.directory / "user")
        self.deliver(server)
        assert (state / "deliveries" / DELIVERY.digest / "run.sh").exists()

    @pytest.mark.usefixtures("agent")
    @pytest.mark.parametrize("keys", [1, 7], ids=["one key", "more keys than MaxAuthTries"])
    def test_other_keys_are_refused_in_one_login(self, server: SshServer, tmp_path: Path, keys: int) -> None:
        for number in range(keys):
            generate_key(tmp_path / f"stranger{number}", "ed25519")
            self.add(tmp_path / f"stranger{number}")
        before = server.connections()
        with pytest.raises(
            HostError, match=r"must accept user .* with one of the SSH agent's keys \(SHA256:.*ssh-add -D"
        ):
            self.deliver(server)
        assert server.connections() - before == 1

    @pytest.mark.usefixtures("agent")
    def test_agent_without_a_key_is_reported(self, server: SshServer) -> None:
        with pytest.raises(HostError, match=r"the SSH agent must have a key, since ssh\.agent is true, but has none"):
            self.deliver(server)

    def test_agent_that_does_not_answer_is_reported(
        self, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connection, "SECONDS", 1)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "silent"))
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / "silent"))
            silent.listen()
            with pytest.raises(HostError, match="the SSH agent must answer within 1 s"):
                self.deliver(server)

    def test_missing_agent_is_reported(self, server: SshServer) -> None:
        with pytest.raises(HostError, match=r"SSH_AUTH_SOCK must name an SSH agent, since ssh\.agent is true"):
            self.deliver(server)


def test_refused_login_or_wrong_host_key_is_not_tried_again(server: SshServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")

    async def refused(reason: str, **given: Any) -> None:
        async with busy(server, 0) as (port, seen):
            with pytest.raises(HostError, match=reason):
                await host.deliver(node(server, port, **given), DELIVERY, PREINSTALLED)
            assert seen == [1]

    asyncio.run(refused("must accept user .* with the SSH key SHA256:", key=other.export_private_key().decode()))
    asyncio.run(refused("it has another one", host_key=other.export_public_key().decode()))


class TestDelivery:
    @pytest.fixture
    def deliver(self, server: SshServer) -> Callable[..., None]:
        def run(delivery: Delivery = DELIVERY, binary: Binary = PREINSTALLED) -> None:
            asyncio.run(host.deliver(node(server, server.port), delivery, binary))

        return run

    def test_scripts_parameters_and_files_lie_under_their_digest_for_root_only(
        self, deliver: Callable[..., None], state: Path
    ) -> None:
        deliver()
        delivered = state / "deliveries" / DELIVERY.digest
        assert (delivered / "files/kube-proxy.conf").read_text() == "é\n"
        shell = f'. {shlex.quote(str(delivered))}/parameters; printf \'%s %s\' "$NODE" "$SERVER"'
        assert subprocess.run(["sh", "-c", shell], capture_output=True, text=True).stdout == "k8s-node01 https://a b'c"
        scripts = {path.name: path.read_bytes() for path in delivery.SCRIPTS.glob("*.sh")}
        assert {path.name: path.read_bytes() for path in delivered.glob("*.sh")} == scripts
        assert {path.stat().st_mode & 0o077 for path in (state, *state.rglob("*"))} == {0}

    def test_what_was_cut_off_or_is_damaged_is_delivered_again(self, deliver: Callable[..., None], state: Path) -> None:
        deliver()
        delivered = state / "deliveries" / DELIVERY.digest
        (delivered / "run.sh").write_text("")
        (delivered / "files/left").touch()
        deliver()
        assert "mktemp" in (delivered / "run.sh").read_text()
        assert not (delivered / "files/left").exists()
        assert [path.name for path in delivered.parent.iterdir()] == [delivered.name], "nothing temporary is left"

    def test_what_is_there_already_stays_for_runs_that_read_it(self, deliver: Callable[..., None], state: Path) -> None:
        deliver()
        before = (state / "deliveries" / DELIVERY.digest).stat()
        deliver()
        after = (state / "deliveries" / DELIVERY.digest).stat()
        assert after.st_ino == before.st_ino
        assert after.st_mtime_ns > before.st_mtime_ns, "it counts as young, so that no activation deletes it"
        assert len(list((state / "deliveries").iterdir())) == 1

    @pytest.mark.parametrize("left", [None, "truncated"])
    def test_missing_binary_is_uploaded_and_appears_complete(
        self, deliver: Callable[..., None], binary: Binary, state: Path, left: str | None
    ) -> None:
        digest = binary.sha256[Architecture.AMD64]
        if left:
            (state / "binaries").mkdir(parents=True)
            (state / "binaries" / f"{digest}.XXXXXX").write_text(left)
        deliver(binary=binary)
        assert (state / "binaries" / digest).read_bytes() == CONTENT

    def test_binary_that_is_there_is_not_uploaded_again(
        self, deliver: Callable[..., None], binary: Binary, state: Path
    ) -> None:
        deliver(binary=binary)
        uploaded = state / "binaries" / binary.sha256[Architecture.AMD64]
        before = uploaded.stat()
        deliver(binary=binary)
        assert (uploaded.stat().st_ino, uploaded.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_binary_that_changes_during_the_upload_is_refused(
        self, deliver: Callable[..., None], binary: Binary, state: Path
    ) -> None:
        assert binary.path
        binary.path.write_bytes(CONTENT + b"x")
        with pytest.raises(
            HostError, match=r"k8s-node01: delivery: .*the binary's SHA-256 must be .*has its file just changed"
        ):
            deliver(binary=binary)
        assert list((state / "binaries").iterdir()) == []

    def test_host_that_can_not_store_it_is_reported_with_its_node(
        self, deliver: Callable[..., None], state: Path
    ) -> None:
        state.write_text("not a directory")
        with pytest.raises(
            HostError, match=r"k8s-node01: delivery: user .* must be able to write .*: mkdir: .*; nothing that runs was"
        ):
            deliver()

    def test_login_that_runs_something_else_is_reported_although_it_succeeds(self, tmp_path: Path) -> None:
        with SshServer(tmp_path / "sshd", extra="ForceCommand echo Only backups are allowed") as other:
            with pytest.raises(HostError) as raised:
                asyncio.run(host.deliver(node(other, other.port), DELIVERY, PREINSTALLED))
            assert "the host printed: Only backups are allowed; nothing that runs" in str(raised.value)

    def test_what_a_login_shell_prints_before_does_no_harm(self, tmp_path: Path, state: Path, binary: Binary) -> None:
        command = 'printf "Welcome\\n>"; eval "$SSH_ORIGINAL_COMMAND"'
        with SshServer(tmp_path / "sshd", extra=f"ForceCommand {command}") as other:
            asyncio.run(host.deliver(node(other, other.port), DELIVERY, binary))
        assert (state / "deliveries" / DELIVERY.digest / "run.sh").exists()
        assert (state / "binaries" / binary.sha256[Architecture.AMD64]).read_bytes() == CONTENT

    @pytest.mark.parametrize(
        ("command", "seconds", "reason"),
        [("sleep 9", 1, "the host did not answer within 1 s"), ("kill -9 $PPID", 30, "the connection was lost")],
    )
    def test_host_that_does_not_answer_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, seconds: int, reason: str
    ) -> None:
        monkeypatch.setattr(host, "DELIVERY_SECONDS", seconds)
        with (
            SshServer(tmp_path / "sshd", extra=f"ForceCommand {command}") as other,
            pytest.raises(HostError, match=f"k8s-node01: delivery: .*, but {reason}; nothing that runs was"),
        ):
            asyncio.run(host.deliver(node(other, other.port), DELIVERY, PREINSTALLED))


@pytest.mark.parametrize("script", ["deliver.sh", "receive_upload.sh", "start_removal.sh"])
def test_command_is_one_line_since_csh_would_run_the_others_as_commands(script: str) -> None:
    assert "\n" not in delivery.shell(SSH("", 22, "root", SecretStr(""), ""), script, "/state")


@pytest.fixture
def binary(tmp_path: Path) -> Binary:
    (tmp_path / "kube-proxy-1.36.2").write_bytes(CONTENT)
    path = tmp_path / "kube-proxy"
    path.symlink_to("kube-proxy-1.36.2")
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Binary("1.36.2", BinarySource.FILE, path, None, {Architecture.AMD64: digest})
