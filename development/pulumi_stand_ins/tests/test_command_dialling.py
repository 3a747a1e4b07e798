"""Connecting: attempts, pauses, host keys and agents, with the exact texts of the official command plugin."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from development.pulumi_stand_ins.tests.plugin_process import Plugin, failure
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually, free_port, generate_key
from development.pulumi_stand_ins.tests.wire import asset, secret

COMMAND = "command:remote:Command"


def dial(plugin: Plugin, connection: dict[str, Any], timeout: float = 0) -> str:
    """Run `true` over the connection. Return the error's text, or an empty text."""
    try:
        plugin.create(COMMAND, {"connection": secret(connection), "create": "true"}, timeout=timeout)
    except grpc.RpcError as error:
        return failure(error)
    return ""


@pytest.fixture(scope="module")
def three_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server with an Ed25519, an ECDSA and an RSA host key."""
    with SshServer(tmp_path_factory.mktemp("keys"), host_keys=("ed25519", "ecdsa", "rsa")) as running:
        yield running


class TestAttempts:
    @pytest.mark.parametrize(("limit", "least_seconds"), [(0, 0.0), (1, 0.1), (3, 0.1 + 0.15 + 0.225)])
    def test_limit_is_the_number_of_retries_with_growing_pauses(
        self, command: Plugin, server: SshServer, limit: int, least_seconds: float
    ) -> None:
        port = free_port()
        begin = time.monotonic()
        message = dial(command, server.connection(port=port, dialErrorLimit=limit))
        assert message == f"after {limit} failed attempts: dial tcp 127.0.0.1:{port}: connect: connection refused"
        assert time.monotonic() - begin >= least_seconds
        assert command.log.messages == [f"Dial {n}/{limit} failed: retrying" for n in range(1, limit + 1)]

    def test_host_that_comes_up_late_is_reached(self, command: Plugin, tmp_path: Path) -> None:
        late = SshServer(tmp_path)
        inputs = {"connection": secret(late.connection(dialErrorLimit=-1)), "create": "true"}
        waiting = command.create_later(COMMAND, inputs)
        eventually(lambda: len(command.log.messages) > 0)
        with late:
            assert waiting.result(20).state["stdout"] == ""
        assert command.log.messages[0] == "Dial 1/inf failed: retrying"

    def test_unanswered_tcp_connect_times_out(self, command: Plugin, server: SshServer) -> None:
        # A listener with a full backlog, which accepts nothing, leaves further connects unanswered.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)):
                message = dial(command, server.connection(port=port, perDialTimeout=1))
        assert message == f"after 0 failed attempts: dial tcp 127.0.0.1:{port}: i/o timeout"

    def test_custom_timeout_ends_the_retries(self, command: Plugin, server: SshServer) -> None:
        message = dial(command, server.connection(port=free_port(), dialErrorLimit=-1), timeout=0.5)
        assert message == "context deadline exceeded"

    def test_cancel_ends_the_retries(self, server: SshServer) -> None:
        inputs = {"connection": secret(server.connection(port=free_port(), dialErrorLimit=-1)), "create": "true"}
        with Plugin("command") as plugin:
            retrying = plugin.create_later(COMMAND, inputs)
            eventually(lambda: len(plugin.log.messages) > 0)
            plugin.stub.Cancel(Empty())
            with pytest.raises(grpc.RpcError) as raised:
                retrying.result(20)
        assert failure(raised.value) == "context canceled"

    def test_connection_closed_during_the_handshake_is_an_end_of_file(self, command: Plugin, server: SshServer) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            waiting = command.create_later(
                COMMAND,
                {"connection": secret(server.connection(port=listener.getsockname()[1])), "create": "true"},
            )
            connection, _ = listener.accept()
            # Closing with unread data would be a reset.
            connection.recv(4096)
            connection.close()
            with pytest.raises(grpc.RpcError) as raised:
                waiting.result(20)
        assert failure(raised.value) == "after 0 failed attempts: ssh: handshake failed: EOF"


class TestAuthentication:
    def test_wrong_key_is_tried_once_in_each_attempt(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        stranger = generate_key(tmp_path / "stranger", "ed25519")
        before = server.connections()
        assert dial(command, server.connection(privateKey=stranger, dialErrorLimit=1)) == (
            "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "
            "attempted methods [none publickey], no supported methods remain"
        )
        assert server.connections() - before == 2

    def test_missing_credentials_fail_in_the_official_words(self, command: Plugin, server: SshServer) -> None:
        connection = server.connection()
        del connection["privateKey"]
        assert "attempted methods [none], no supported methods remain" in dial(command, connection)

    def test_malformed_private_key_opens_no_connection(self, command: Plugin, server: SshServer) -> None:
        before = server.connections()
        assert dial(command, server.connection(privateKey="garbage")) == "ssh: no key found"
        assert server.connections() == before

    def test_private_key_with_a_passphrase_is_refused(self, command: Plugin, server: SshServer) -> None:
        import asyncssh

        key = asyncssh.import_private_key(server.private_key)
        locked = key.export_private_key("pkcs8-pem", passphrase="right").decode()
        assert dial(command, server.connection(privateKey=locked)) == "ssh: this private key is passphrase protected"

    def test_private_key_without_final_newline_is_accepted(self, command: Plugin, server: SshServer) -> None:
        assert dial(command, server.connection(privateKey=server.private_key.rstrip("\n"))) == ""


class TestAgent:
    @pytest.fixture
    def agent(self, server: SshServer, tmp_path: Path) -> Iterator[str]:
        """The socket of an agent that holds the key that the server accepts."""
        path = tmp_path / "agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
            try:
                eventually(path.exists)
                environment = os.environ | {"SSH_AUTH_SOCK": str(path)}
                subprocess.run(["ssh-add", "-q", server.directory / "user"], env=environment, check=True)
                yield str(path)
            finally:
                process.terminate()

    @pytest.fixture
    def stale(self, tmp_path: Path) -> str:
        """The socket of an agent that has ended."""
        path = str(tmp_path / "stale")
        with socket.socket(socket.AF_UNIX) as ended:
            ended.bind(path)
        return path

    def test_agent_key_is_used_where_no_private_key_is_given(
        self, command: Plugin, server: SshServer, agent: str
    ) -> None:
        connection = server.connection(agentSocketPath=agent)
        del connection["privateKey"]
        assert dial(command, connection) == ""

    def test_agent_key_is_not_offered_after_a_private_key(
        self, command: Plugin, server: SshServer, agent: str, tmp_path: Path
    ) -> None:
        stranger = generate_key(tmp_path / "stranger", "ed25519")
        message = dial(command, server.connection(privateKey=stranger, agentSocketPath=agent))
        assert "attempted methods [none publickey], no supported methods remain" in message

    def test_running_agent_does_not_disturb_a_private_key(self, command: Plugin, server: SshServer, agent: str) -> None:
        assert dial(command, server.connection(agentSocketPath=agent)) == ""

    def test_missing_agent_fails_at_once_although_a_private_key_is_given(
        self, server: SshServer, tmp_path: Path
    ) -> None:
        missing = str(tmp_path / "none")
        before = server.connections()
        with Plugin("command", ssh_auth_sock=missing) as plugin:
            message = dial(plugin, server.connection(dialErrorLimit=3))
            copy = {"connection": secret(server.connection()), "remotePath": "/x", "source": asset(hash="1", text="")}
            with pytest.raises(grpc.RpcError) as raised:
                plugin.create("command:remote:CopyToRemote", copy)
        assert message == failure(raised.value) == f"dial unix {missing}: connect: no such file or directory"
        assert plugin.log.messages == []
        assert server.connections() == before

    def test_ended_agent_refuses_the_connection(self, command: Plugin, server: SshServer, stale: str) -> None:
        message = dial(command, server.connection(agentSocketPath=stale))
        assert message == f"dial unix {stale}: connect: connection refused"

    def test_agent_of_a_bastion_fails_as_a_proxy(self, command: Plugin, server: SshServer, stale: str) -> None:
        message = dial(command, server.connection(proxy=server.connection(agentSocketPath=stale)))
        assert message == f"proxy: dial unix {stale}: connect: connection refused"


class TestHostKey:
    def test_other_host_key_is_refused_and_tried_again(
        self, command: Plugin, server: SshServer, tmp_path: Path
    ) -> None:
        generate_key(tmp_path / "other", "ed25519")
        other = (tmp_path / "other.pub").read_text()
        before = server.connections()
        message = dial(command, server.connection(hostKey=other, dialErrorLimit=1))
        assert message == "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch"
        assert server.connections() - before == 2

    def test_without_a_host_key_any_host_is_accepted(self, command: Plugin, server: SshServer) -> None:
        connection = server.connection()
        del connection["hostKey"]
        assert dial(command, connection) == ""

    @pytest.mark.parametrize(
        "form", ["{key}", "{key} comment", "[h]:22 {key}", "{key}\nssh-ed25519 AAAA", "# c\n{key}"]
    )
    def test_host_key_is_read_from_lines_of_authorized_keys_and_known_hosts(
        self, command: Plugin, server: SshServer, form: str
    ) -> None:
        key = " ".join(server.host_key().split()[:2])
        assert dial(command, server.connection(hostKey=form.format(key=key))) == ""

    @pytest.mark.parametrize("text", ["", "AAAAC3NzaC1lZDI1NTE5", "SHA256:abc"])
    def test_other_texts_are_not_a_host_key(self, command: Plugin, server: SshServer, text: str) -> None:
        assert dial(command, server.connection(hostKey=text)) == "failed to parse host key: ssh: no key found"

    def test_ecdsa_host_key_is_accepted(self, command: Plugin, three_keys: SshServer) -> None:
        assert dial(command, three_keys.connection(hostKey=three_keys.host_key("ecdsa"))) == ""

    def test_rsa_host_key_never_works(self, command: Plugin, three_keys: SshServer) -> None:
        message = dial(command, three_keys.connection(hostKey=three_keys.host_key("rsa")))
        assert message.startswith(
            "after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; "
            "we offered: [ssh-rsa], peer offered: ["
        )
        assert re.search(r"peer offered: \[[^]]*rsa-sha2-512", message)
