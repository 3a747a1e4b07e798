"""The question to many nodes: how many at a time, and as which user."""

import asyncio
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr

from commands.adopt import question
from commands.adopt.question import Asked, Login
from commands.adopt.sources import Host
from tests.adopt.conftest import MakeMachine
from tests.adopt.layouts import GUIDE
from tests.components.ssh_hosts import ASK, KEY, PASSWORD, private_key, serve, write_sudo


class Server:
    """An SSH server in this process that lets everyone in, and answers that it has nothing to say."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.users: list[str] = []
        self.at_once = self.most_at_once = 0
        self.key = asyncssh.generate_private_key("ssh-ed25519")

    async def answer(self, process: asyncssh.SSHServerProcess[str]) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.users.append(process.get_extra_info("username"))
        self.commands.append(str(process.command))
        await process.stdin.read()
        await asyncio.sleep(0.1)
        process.stdout.write(f"{str(process.command).split()[-1]} end \n")
        self.at_once -= 1
        process.exit(0)

    async def ask(self, directory: Path, *users: str | None) -> list[Asked | str]:
        """Ask the server once for each user; None is the login that applies to hosts without a user."""
        (directory / "keys").write_bytes(self.key.export_public_key())
        listening = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.key],
            authorized_client_keys=str(directory / "keys"),
            process_factory=self.answer,
        )
        try:
            port = listening.sockets[0].getsockname()[1]
            hosts = [Host(f"node{number}", "127.0.0.1", user=user) for number, user in enumerate(users)]
            key = SecretStr(self.key.export_private_key().decode())
            asked, _ = await question.ask_all(hosts, Login("root", port, None), {None: key}, directory / "none")
            return asked
        finally:
            listening.close()


@pytest.mark.parametrize(("user", "command"), [(None, "exec /bin/sh -s "), ("admin", "exec sudo -n -- /bin/sh -s ")])
def test_user_who_is_not_root_becomes_it_by_sudo(tmp_path: Path, user: str | None, command: str) -> None:
    server = Server()
    (asked,) = asyncio.run(server.ask(tmp_path, user))
    assert isinstance(asked, Asked)
    assert asked.user == server.users[0] == (user or "root")
    assert server.commands[0].startswith(command)
    assert asked.answers == {"end": ""}


@pytest.mark.parametrize("sudo", [ASK, "", "exit 9", "exec cat"], ids=["asks", "doesn't ask", "refuses", "repeats it"])
def test_password_is_for_sudo_alone(tmp_path: Path, make_machine: MakeMachine, sudo: str) -> None:
    """It is in no command. A sudo that doesn't ask leaves it to no shell, which would run it."""
    machine = make_machine()
    settings = "".join(f"export {name}='{value}'\n" for name, value in machine.environment.items())

    async def ask() -> tuple[Asked | str, list[str]]:
        async with serve(path=write_sudo(tmp_path / "bin", f"{sudo}\n{settings}")) as server:
            login = Login("deploy", server.port, None, SecretStr(PASSWORD))
            host = Host("node1", "127.0.0.1")
            (asked,), _ = await question.ask_all([host], login, {None: private_key(KEY)}, tmp_path / "none")
            return asked, server.commands

    asked, commands = asyncio.run(ask())
    assert not [command for command in commands if PASSWORD in command]
    if sudo in ("exit 9", "exec cat"):
        printed = "nothing, exit status 9" if sudo == "exit 9" else "(the password)"
        assert asked == f"sudo must accept the password for user deploy, but the host printed: {printed}"
        assert len(commands) == 1, "a wrong password is tried once"
        return
    assert isinstance(asked, Asked)
    assert asked.answers["kubeconfig-path"].strip() == GUIDE.kubeconfig
    assert asked.answers["uid"].strip() == "0"


def test_nodes_are_asked_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "AT_ONCE", 2)
    server = Server()
    asked = asyncio.run(server.ask(tmp_path, *[None] * 6))
    assert [answer.host.label for answer in asked if isinstance(answer, Asked)] == [
        f"node{number}" for number in range(6)
    ]
    assert server.most_at_once == 2
    assert len({command.split()[-1] for command in server.commands}) == 6  # each question has a mark of its own


def test_known_hosts_is_read_once_for_all_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with 10,000 lines takes a second, in which nothing else is done."""
    reads: list[str] = []
    read = asyncssh.import_known_hosts

    def count(text: str) -> asyncssh.SSHKnownHosts:
        reads.append(text)
        return read(text)

    monkeypatch.setattr(asyncssh, "import_known_hosts", count)
    (tmp_path / "none").write_text("# nobody\n")
    asked = asyncio.run(Server().ask(tmp_path, None, None, None))
    assert [isinstance(answer, Asked) for answer in asked] == [True, True, True]
    assert reads == ["# nobody\n"]
