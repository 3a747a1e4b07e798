"""Logins that are not root's: every command goes through sudo, and a node where that fails is not changed."""

import asyncio
import hashlib
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from components import delivery, host
from components.connection import HostError
from components.delivery import Delivery
from components.stages import ACTIVATE, PREFLIGHT, STAGE
from settings import SSH, Architecture, Binary, BinarySource
from tests.components.ssh_hosts import ASK, PASSWORD, node, serve, write_sudo

DELIVERY = Delivery({"NODE": "k8s-node01"}, {"kube-proxy.conf": "é\n"})
PREINSTALLED = Binary("1.36.2", BinarySource.PREINSTALLED, None, None, {})
DIGEST = "0123"
BINARY = b"\x7fELF" * 100_000
SHELLS = ("/bin/sh", "/bin/bash", "/usr/bin/csh", "/usr/bin/fish")


@pytest.fixture
def binary(tmp_path: Path) -> Binary:
    (tmp_path / "kube-proxy").write_bytes(BINARY)
    digest = {Architecture.AMD64: hashlib.sha256(BINARY).hexdigest()}
    return Binary("1.36.2", BinarySource.FILE, tmp_path / "kube-proxy", None, digest)


def ssh(user: str) -> SSH:
    return SSH("192.168.99.101", 22, user, SecretStr("SSH-KEY"), "ssh-ed25519 AAAA")


class TestCommands:
    def test_commands_of_root_are_as_they_always_were(self) -> None:
        """Another text would run on every node of every stack."""
        root, directory = ssh("root"), "/var/lib/kube-proxy-generations"
        run = f"exec /bin/sh {directory}/deliveries/{DIGEST}/run.sh"
        assert delivery.command(root, DIGEST, PREFLIGHT, STAGE) == f"{run} preflight stage"
        assert delivery.command(root, DIGEST, ACTIVATE) == f"{run} activate"
        removal = delivery.removal_command(root, "k8s-node01", "prod")
        assert shlex.split(removal)[:3] == ["exec", "/bin/sh", "-c"]
        assert removal.endswith(f" kube-proxy {directory} k8s-node01 prod")

    @pytest.mark.parametrize(
        "make",
        [
            partial(delivery.command, digest=DIGEST),
            partial(delivery.removal_command, node="k8s-node01", stack="prod"),
            partial(delivery.shell, script="deliver.sh"),
            partial(delivery.shell, script="receive_upload.sh"),
        ],
    )
    def test_each_command_of_another_user_runs_the_same_through_sudo(self, make: Callable[[SSH], str]) -> None:
        assert make(ssh("deploy")) == make(ssh("root")).replace("exec ", "exec sudo -n -- ", 1)


@pytest.mark.usefixtures("state")
class TestSudo:
    def deliver(
        self,
        path: str,
        user: str = "deploy",
        shell: str = "/bin/sh",
        password: str | None = None,
        binary: Binary = PREINSTALLED,
    ) -> list[str]:
        """Deliver to a node with this PATH; return the commands that its login shell got."""

        async def run() -> list[str]:
            async with serve(path=path, shell=shell) as server:
                self.server = server
                await host.deliver(node(server.login(user, password)), DELIVERY, binary)
                return server.commands

        return asyncio.run(run())

    def refusal(self, path: str, user: str = "deploy", shell: str = "/bin/sh", password: str | None = None) -> str:
        with pytest.raises(HostError) as raised:
            self.deliver(path, user, shell, password)
        assert len(self.server.attempts) == 1
        assert len(self.server.commands) == 1, "nothing was tried after that"
        return str(raised.value)

    @pytest.mark.parametrize("shell", SHELLS)
    def test_delivery_goes_through_sudo(self, tmp_path: Path, state: Path, shell: str) -> None:
        warns = "echo 'sudo: unable to resolve host n1: Temporary failure in name resolution' >&2"
        commands = self.deliver(write_sudo(tmp_path / "bin", warns), shell=shell)
        assert (state / "deliveries" / DELIVERY.digest / "run.sh").exists()
        assert len(commands) == 2
        assert all(command.startswith("exec sudo -n -- /bin/sh -c ") for command in commands)

    def test_root_needs_no_sudo_and_no_check(self) -> None:
        (command,) = self.deliver("/usr/bin:/bin", user="root")
        assert command.startswith("exec /bin/sh -c ")

    @pytest.mark.parametrize(
        ("answer", "printed", "way_out"),
        [
            (
                "echo 'sudo: a password is required' >&2; exit 1",
                "sudo: a password is required",
                "run visudo -f /etc/sudoers.d/kube-proxy there and add the line: deploy ALL=(root) NOPASSWD: /bin/sh; "
                "or set the password: pulumi config set --secret kube-proxy:sudoPassword",
            ),
            (
                "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1",
                "sudo: sorry, you must have a tty to run sudo",
                "run visudo -f /etc/sudoers.d/kube-proxy there and add the line: deploy ALL=(root) NOPASSWD: /bin/sh; "
                "and this one: Defaults:deploy !requiretty",
            ),
            (
                "echo sudo; echo 'uid 1000'; exit",
                "sudo uid 1000",
                "run visudo -f /etc/sudoers.d/kube-proxy there and add the line: deploy ALL=(root) NOPASSWD: /bin/sh",
            ),
        ],
    )
    def test_sudo_that_refuses_is_reported_with_the_line_for_sudoers(
        self, tmp_path: Path, answer: str, printed: str, way_out: str
    ) -> None:
        assert self.refusal(write_sudo(tmp_path / "bin", answer)) == (
            "k8s-node01: host check: user deploy must be able to run /bin/sh as root through sudo without a password, "
            f"but the host printed: {printed}; {way_out}; nothing was changed on the host; run pulumi up again"
        )

    def test_name_with_an_at_sign_is_escaped_for_sudoers(self, tmp_path: Path) -> None:
        refused = write_sudo(tmp_path / "bin", "echo 'sudo: a password is required' >&2; exit 1")
        assert r"add the line: deploy\@corp ALL=(root)" in self.refusal(refused, user="deploy@corp")

    @pytest.mark.parametrize("shell", SHELLS)
    def test_missing_sudo_is_reported(self, tmp_path: Path, shell: str) -> None:
        assert "; install sudo there; then run visudo" in self.refusal(str(tmp_path), shell=shell)

    @pytest.mark.parametrize(
        ("shell", "printed"),
        [
            ("/usr/sbin/nologin", "This account is currently not available."),
            ("/bin/rbash", "/bin/rbash: line 1: exec: restricted"),
        ],
    )
    def test_login_shell_that_runs_no_commands_is_reported(self, tmp_path: Path, shell: str, printed: str) -> None:
        message = self.refusal(write_sudo(tmp_path / "bin"), shell=shell)
        assert (
            f"but the host printed: {printed}; its login shell there must run commands (usermod -s /bin/sh deploy); "
            in message
        )

    @pytest.mark.parametrize("shell", SHELLS)
    def test_password_is_read_by_sudo_and_by_nothing_else(
        self, tmp_path: Path, state: Path, binary: Binary, shell: str
    ) -> None:
        commands = self.deliver(write_sudo(tmp_path / "bin", ASK), password=PASSWORD, shell=shell, binary=binary)
        assert (state / "deliveries" / DELIVERY.digest / "run.sh").exists()
        assert (state / "binaries" / binary.sha256[Architecture.AMD64]).read_bytes() == BINARY
        assert len(commands) == 3
        assert all(command.startswith("exec sudo -k -S -p '' -- /bin/sh -c ") for command in commands)
        assert PASSWORD not in "".join(commands)

    def test_password_that_sudo_does_not_ask_for_reaches_nothing(
        self, tmp_path: Path, state: Path, binary: Binary
    ) -> None:
        self.deliver(write_sudo(tmp_path / "bin"), password=PASSWORD, binary=binary)
        assert (state / "deliveries" / DELIVERY.digest / "run.sh").exists()
        assert (state / "binaries" / binary.sha256[Architecture.AMD64]).read_bytes() == BINARY

    def test_password_that_a_login_shell_repeats_is_in_no_message(self, tmp_path: Path) -> None:
        message = self.refusal(write_sudo(tmp_path / "bin", "exec cat"), password=PASSWORD)
        assert "but the host printed: (the password); " in message
        assert PASSWORD not in message

    def test_wrong_password_is_tried_once(self, tmp_path: Path) -> None:
        message = self.refusal(write_sudo(tmp_path / "bin", ASK), password="wrong one")
        assert (tmp_path / "bin" / "passwords").read_text() == "tried\ntried\n", (
            "the second try finds the end of the input"
        )
        assert message == (
            "k8s-node01: host check: user deploy must be able to run /bin/sh as root through sudo with the password in "
            "kube-proxy:sudoPassword, but the host printed: Sorry, try again. sudo: no password was provided; set the right "
            "one (pulumi config set --secret kube-proxy:sudoPassword); or run visudo -f /etc/sudoers.d/kube-proxy there and "
            "add the line: deploy ALL=(root) /bin/sh; nothing was changed on the host; run pulumi up again"
        )
