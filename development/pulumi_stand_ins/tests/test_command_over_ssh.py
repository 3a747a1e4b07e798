"""Commands on a real sshd: input, output, errors, and the server's connections."""

import getpass
from pathlib import Path
from typing import Any

import grpc
import pytest

from development.pulumi_stand_ins.tests.plugin_process import Plugin, failure
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually, free_port, generate_key
from development.pulumi_stand_ins.tests.wire import secret

COMMAND = "command:remote:Command"


def inputs(server: SshServer, create: str, **others: Any) -> dict[str, Any]:
    return {"connection": secret(server.connection()), "create": create} | others


def create_fails(plugin: Plugin, values: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(COMMAND, values)
    assert raised.value.code() is grpc.StatusCode.UNKNOWN
    return failure(raised.value)


class TestOutput:
    def test_outputs_have_one_final_newline_less(self, command: Plugin, server: SshServer) -> None:
        state = command.create(COMMAND, inputs(server, r"printf 'a\n\n  b  \n\n'; echo err >&2")).state
        assert (state["stdout"], state["stderr"]) == ("a\n\n  b  \n", "err")

    def test_command_runs_in_the_login_shell_without_a_terminal(self, command: Plugin, server: SshServer) -> None:
        assert command.create(COMMAND, inputs(server, "tty; echo $SHELL")).state["stdout"].startswith("not a tty\n/")

    def test_lines_are_logged_while_the_command_runs(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        later = command.create_later(
            COMMAND, inputs(server, f"echo first; echo second >&2; mkfifo {gate}; cat {gate}; printf tail")
        )
        eventually(lambda: {"first", "second"} <= set(command.log.messages))
        assert not later.done()
        eventually(gate.exists)
        gate.write_text("")
        assert later.result(20).state["stdout"] == "first\ntail"
        assert command.log.messages[-1] == "tail"
        assert all(request.ephemeral and request.urn.endswith("::r") for request in command.log.requests)

    @pytest.mark.parametrize(
        ("logging", "logged"),
        [("none", []), ("stdout", ["out"]), ("stderr", ["err"]), ("stdoutAndStderr", ["err", "out"])],
    )
    def test_logging_selects_the_streams(
        self, command: Plugin, server: SshServer, logging: str, logged: list[str]
    ) -> None:
        state = command.create(COMMAND, inputs(server, "echo out; echo err >&2", logging=logging)).state
        assert (state["stdout"], state["stderr"]) == ("out", "err")
        assert sorted(command.log.messages) == logged

    def test_logged_line_of_64_kib_fails_because_the_official_plugin_hangs(
        self, command: Plugin, server: SshServer
    ) -> None:
        line = "head -c {} /dev/zero | tr '\\0' x"
        assert len(command.create(COMMAND, inputs(server, line.format(65535))).state["stdout"]) == 65535
        assert "must be shorter than 65536 bytes" in create_fails(command, inputs(server, line.format(65536)))
        unlogged = command.create(COMMAND, inputs(server, line.format(200_000), logging="none"))
        assert len(unlogged.state["stdout"]) == 200_000

    def test_output_must_be_utf_8(self, command: Plugin, server: SshServer) -> None:
        message = create_fails(command, inputs(server, r"printf '\377'"))
        assert message == "grpc: error while marshaling: string field contains invalid UTF-8"

    def test_command_lasts_until_its_background_processes_close_the_output(
        self, command: Plugin, server: SshServer
    ) -> None:
        state = command.create(COMMAND, inputs(server, "(sleep 0.5; echo late) & echo now")).state
        assert state["stdout"] == "now\nlate"

    def test_command_that_closes_its_output_is_waited_for(self, command: Plugin, server: SshServer) -> None:
        message = create_fails(command, inputs(server, "exec <&- >&- 2>&-; sleep 0.3; exit 5"))
        assert message.startswith("Process exited with status 5: ")


class TestInput:
    def test_stdin_is_passed_on_and_closed(self, command: Plugin, server: SshServer) -> None:
        state = command.create(COMMAND, inputs(server, "cat", stdin=secret("line\nsekret"), logging="none")).state
        assert state["stdout"] == "line\nsekret"
        assert state["stdin"] == secret("line\nsekret")

    def test_missing_stdin_is_empty(self, command: Plugin, server: SshServer) -> None:
        assert command.create(COMMAND, inputs(server, "cat; echo end")).state["stdout"] == "end"

    def test_one_megabyte_of_unread_stdin_is_fine_and_three_fail(self, command: Plugin, server: SshServer) -> None:
        assert command.create(COMMAND, inputs(server, "exit 0", stdin="x" * 1_000_000)).state["stdout"] == ""
        unread = inputs(server, "exit 0", stdin="x" * 3_000_000)
        assert create_fails(command, unread) == 'EOF: running "exit 0":\n'

    def test_five_megabytes_of_stdin_can_be_read(self, command: Plugin, server: SshServer) -> None:
        state = command.create(COMMAND, inputs(server, "wc -c", stdin="x" * 5_000_000)).state
        assert state["stdout"] == "5000000"


class TestFailure:
    def test_error_has_status_command_and_output(self, command: Plugin, server: SshServer) -> None:
        message = create_fails(command, inputs(server, 'echo out; echo "e\\rr" >&2\n exit 3', stdin="sekret"))
        head, _, output = message.partition("\n")
        assert head == r'Process exited with status 3: running "echo out; echo \"e\\rr\" >&2\n exit 3":'
        assert sorted(output.splitlines()) == ["e", "out", "r"] or "out" in output
        assert "sekret" not in message

    def test_error_has_the_signal(self, command: Plugin, server: SshServer) -> None:
        message = create_fails(command, inputs(server, "kill -9 $$"))
        assert message == 'Process exited with status 137 from signal KILL: running "kill -9 $$":\n'

    def test_error_has_large_output(self, command: Plugin, server: SshServer) -> None:
        message = create_fails(command, inputs(server, "seq 20000; exit 1", logging="none"))
        assert message.endswith("\n20000\n")

    def test_log_error_and_stderr_have_no_secrets(self, server: SshServer) -> None:
        with Plugin("command") as plugin:
            message = create_fails(plugin, inputs(server, "exit 1", stdin=secret("sekret")))
            wrong = create_fails(
                plugin, {"connection": secret(server.connection(privateKey="sekret")), "create": "true"}
            )
        printed = "\n".join([message, wrong, plugin.stderr, *plugin.log.messages])
        assert "sekret" not in printed
        assert "PRIVATE KEY" not in printed


class TestEnvironment:
    def test_refused_variable_fails_before_the_command_runs(
        self, command: Plugin, server: SshServer, tmp_path: Path
    ) -> None:
        message = create_fails(command, inputs(server, f"touch {tmp_path}/ran", environment={"X": "1"}))
        assert message == 'could not set environment variable "X": ssh: setenv failed'
        assert command.log.messages[0].startswith("Unable to set 'X'. This only works if your SSH server is configured")
        assert not (tmp_path / "ran").exists()

    def test_refused_previous_output_is_only_a_warning(self, command: Plugin, server: SshServer) -> None:
        values = inputs(server, "true")
        command.update(COMMAND, values | {"stdout": "before", "stderr": ""}, values)
        assert [message.splitlines()[0][:37] for message in command.log.messages] == [
            "Unable to set 'PULUMI_COMMAND_STDOUT'"
        ]
        command.update(COMMAND, values | {"stdout": "before"}, values | {"addPreviousOutputInEnv": False})
        assert len(command.log.messages) == 1

    def test_accepted_variables_are_set(self, command: Plugin, tmp_path: Path) -> None:
        with SshServer(tmp_path, extra="AcceptEnv *") as accepting:
            values = inputs(accepting, 'echo "$X $PULUMI_COMMAND_STDOUT"', environment={"X": "1"})
            assert command.update(COMMAND, values | {"stdout": "before", "stderr": ""}, values)["stdout"] == "1 before"


class TestLife:
    def test_update_runs_update_or_else_create(self, command: Plugin, server: SshServer) -> None:
        state = command.create(COMMAND, inputs(server, "echo one")).state
        assert command.update(COMMAND, state, inputs(server, "echo two"))["stdout"] == "two"
        assert command.update(COMMAND, state, inputs(server, "echo two", update="echo up"))["stdout"] == "up"

    def test_delete_runs_delete_of_the_state(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        command.delete(COMMAND, inputs(server, "true", delete=f"touch {tmp_path}/deleted"))
        assert (tmp_path / "deleted").exists()

    def test_each_operation_opens_a_connection_and_closes_none(self, tmp_path: Path) -> None:
        with SshServer(tmp_path) as server:
            with Plugin("command") as plugin:
                for expected in (1, 2, 3):
                    plugin.create(COMMAND, inputs(server, "true"))
                    assert server.logins() == expected
                    assert server.open_connections() == expected
            eventually(lambda: server.open_connections() == 0)

    def test_commands_run_in_parallel(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        waiting = command.create_later(COMMAND, inputs(server, f"mkfifo {tmp_path}/f; cat {tmp_path}/f"))
        eventually((tmp_path / "f").exists)
        command.create(COMMAND, inputs(server, f"echo passed > {tmp_path}/f"))
        assert waiting.result(20).state["stdout"] == "passed"


class TestProxy:
    def test_connection_goes_through_the_bastion(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        with SshServer(tmp_path) as bastion:
            connection = secret(server.connection(proxy=bastion.connection()))
            state = command.create(COMMAND, {"connection": connection, "create": "echo $SSH_CONNECTION"}).state
            assert bastion.logins() == 1
            assert state["stdout"].endswith(f"127.0.0.1 {server.port}")

    def test_errors_of_the_bastion_start_with_proxy(self, command: Plugin, server: SshServer, tmp_path: Path) -> None:
        with SshServer(tmp_path) as bastion:
            stranger = server.connection(proxy=bastion.connection(hostKey=server.host_key()))
            message = create_fails(command, {"connection": secret(stranger), "create": "true"})
        assert message == "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch"

    def test_host_behind_the_bastion_sees_a_wrong_key_once(
        self, command: Plugin, server: SshServer, tmp_path: Path
    ) -> None:
        stranger = generate_key(tmp_path / "stranger", "ed25519")
        before = server.connections()
        with SshServer(tmp_path) as bastion:
            connection = server.connection(proxy=bastion.connection(), privateKey=stranger, dialErrorLimit=2)
            message = create_fails(command, {"connection": secret(connection), "create": "true"})
            assert bastion.logins() == 1
        assert message == "proxy: after 2 failed attempts: ssh: handshake failed: EOF"
        assert command.log.messages == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]
        assert server.connections() - before == 1

    @pytest.mark.parametrize(
        ("forwarding", "text"),
        [
            ("yes", "ssh: rejected: connect failed (Connection refused)"),
            ("no", "ssh: rejected: administratively prohibited (open failed)"),
        ],
    )
    def test_host_that_the_bastion_does_not_reach_is_dialled_again(
        self, command: Plugin, server: SshServer, tmp_path: Path, forwarding: str, text: str
    ) -> None:
        with SshServer(tmp_path, extra=f"AllowTcpForwarding {forwarding}") as bastion:
            connection = server.connection(proxy=bastion.connection(), port=free_port(), dialErrorLimit=1)
            message = create_fails(command, {"connection": secret(connection), "create": "true"})
        assert message == f"proxy: after 1 failed attempts: {text}"
        assert command.log.messages == ["Dial from proxy 1/1 failed: retrying"]


def test_command_runs_as_the_user_of_the_connection(command: Plugin, server: SshServer) -> None:
    assert command.create(COMMAND, inputs(server, "id -un")).state["stdout"] == getpass.getuser()
