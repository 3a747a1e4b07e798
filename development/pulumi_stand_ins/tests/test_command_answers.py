"""What the command plugin answers without contacting anything, as the official 1.2.1 was recorded to answer."""

from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.tests.plugin_process import Plugin, failure
from development.pulumi_stand_ins.tests.wire import UNKNOWN, asset, properties, secret, struct

COMMAND, COPY = "command:remote:Command", "command:remote:CopyToRemote"
_SDK_CONNECTION = {
    "dialErrorLimit": 10, "host": "192.0.2.1", "hostKey": "ssh-ed25519 AAAA", "perDialTimeout": 15, "port": 22,
    "privateKey": "<PEM>", "user": "root",
}  # fmt: skip
_CONNECTION = secret(_SDK_CONNECTION | {"privateKey": secret("<PEM>")})
_SENT = {"connection": secret(_SDK_CONNECTION), "create": "cat", "stdin": secret("sekret"), "triggers": ["a"]}
_INPUTS = _SENT | {"connection": _CONNECTION}
_STATE = _INPUTS | {"stdout": "sekret", "stderr": "err"}
_TEXT = asset(hash="559aead0", text="A")
_COPY = {"connection": _CONNECTION, "remotePath": "/srv/x", "source": _TEXT}


def changes(plugin: Plugin, token: str, state: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    return json_format.MessageToDict(plugin.diff(token, state, inputs))


class TestPlugin:
    def test_it_has_the_official_version_and_no_handshake(self, command: Plugin) -> None:
        assert command.stub.GetPluginInfo(Empty()).version == "1.2.1"
        with pytest.raises(grpc.RpcError) as raised:
            command.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED

    def test_the_provider_keeps_the_version_of_the_official_framework(self, command: Plugin) -> None:
        answer = command.stub.CheckConfig(provider_pb2.CheckRequest(news=struct({"version": "1.2.1"})))
        assert properties(answer.inputs) == {"version": "1.2.1", "__pulumi-go-provider-version": "1.2.0"}
        configured = command.stub.Configure(provider_pb2.ConfigureRequest())
        assert configured.acceptSecrets
        assert configured.supportsPreview

    def test_another_resource_is_refused_by_name(self, command: Plugin) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            command.check("command:local:Command", {})
        assert "got command:local:Command" in failure(raised.value)


class TestCheck:
    def test_the_private_key_becomes_a_secret_inside_the_secret_connection(self, command: Plugin) -> None:
        assert properties(command.check(COMMAND, _SENT).inputs) == _INPUTS

    def test_a_proxys_password_becomes_a_secret_too(self, command: Plugin) -> None:
        connection = secret(_SDK_CONNECTION | {"proxy": {"host": "192.0.2.2", "password": "p"}})
        checked = properties(command.check(COMMAND, {"connection": connection}).inputs)
        assert checked["connection"]["value"]["proxy"]["password"] == secret("p")

    @pytest.mark.parametrize(
        ("inputs", "refused"),
        [
            ({"connection": _CONNECTION, "interpreter": ["sh"]}, "interpreter"),
            ({"connection": secret({"host": "h", "sudo": True})}, "connection.sudo"),
            ({"connection": _CONNECTION, "logging": "all"}, "logging"),
            ({"create": "true"}, "connection"),
        ],
    )
    def test_inputs_that_it_does_not_know_are_refused(
        self, command: Plugin, inputs: dict[str, Any], refused: str
    ) -> None:
        assert [name for name, _ in command.reasons(COMMAND, inputs)] == [refused]

    def test_a_source_must_be_a_text_or_a_file(self, command: Plugin) -> None:
        assert command.reasons(COPY, _COPY) == []
        assert command.reasons(COPY, _COPY | {"source": secret(asset(hash="1", path="/f"))}) == []
        remote = asset(hash="1", uri="https://192.0.2.1/x")
        assert [name for name, _ in command.reasons(COPY, _COPY | {"source": remote})] == ["asset"]

    def test_a_source_unknown_in_a_preview_fails_it(self, command: Plugin) -> None:
        assert command.reasons(COPY, _COPY | {"source": UNKNOWN}) == [("asset", "either asset or archive must be set")]


class TestDiff:
    def test_no_change(self, command: Plugin) -> None:
        assert changes(command, COMMAND, _STATE, _INPUTS) == {"changes": "DIFF_NONE", "hasDetailedDiff": True}
        kept = _COPY | {"source": asset(hash="559aead0")}
        assert changes(command, COPY, kept, _COPY) == {"changes": "DIFF_NONE", "hasDetailedDiff": True}

    @pytest.mark.parametrize(
        ("changed", "path", "kind"),
        [
            ({"create": "true"}, "create", "UPDATE"),
            ({"delete": "true"}, "delete", "ADD"),
            ({"triggers": ["b"]}, "triggers[0]", "UPDATE"),
            ({"triggers": ["a", "b"]}, "triggers[1]", "ADD"),
            ({"triggers": []}, "triggers[0]", "DELETE"),
            ({"stdin": secret(UNKNOWN)}, "stdin", "UPDATE"),
            ({"connection": secret(_SDK_CONNECTION | {"host": "192.0.2.9"})}, "connection", "UPDATE"),
        ],
    )
    def test_a_change_names_its_path_and_is_never_a_replace(
        self, command: Plugin, changed: dict[str, Any], path: str, kind: str
    ) -> None:
        answer = changes(command, COMMAND, _STATE, _INPUTS | changed)
        detail = {} if kind == "ADD" else {"kind": kind}  # ADD is the enumeration's zero
        assert answer == {
            "changes": "DIFF_SOME",
            "diffs": [path.partition("[")[0]],
            "detailedDiff": {path: detail},
            "hasDetailedDiff": True,
        }

    def test_an_input_taken_away_is_a_deletion(self, command: Plugin) -> None:
        answer = changes(
            command, COMMAND, _STATE | {"environment": {"LANG": "C", "A": "1"}}, _INPUTS | {"environment": {"A": "1"}}
        )
        assert answer["detailedDiff"] == {"environment.LANG": {"kind": "DELETE"}}

    def test_an_asset_is_compared_by_its_hash(self, command: Plugin) -> None:
        answer = changes(command, COPY, _COPY, _COPY | {"source": asset(hash="df7e70e5", text="B")})
        assert answer["detailedDiff"] == {"source": {"kind": "UPDATE"}}


class TestPreview:
    def test_create_and_update_show_the_inputs_with_unknown_output(self, command: Plugin) -> None:
        planned = _INPUTS | {"stdout": UNKNOWN, "stderr": UNKNOWN}
        created = command.create(COMMAND, _INPUTS, preview=True)
        assert created.state == planned
        assert len(created.id) == len("r") + 8
        assert created.id.startswith("r")
        assert command.update(COMMAND, _STATE, _INPUTS, preview=True) == planned

    def test_a_copy_has_no_id_and_an_unknown_source(self, command: Plugin) -> None:
        created = command.create(COPY, _COPY, preview=True)
        assert (created.id, created.state) == ("", _COPY | {"source": UNKNOWN})
        assert command.update(COPY, _COPY, _COPY, preview=True)["source"] == UNKNOWN

    def test_unknown_inputs_pass(self, command: Plugin) -> None:
        inputs = {"connection": secret(_SDK_CONNECTION | {"host": UNKNOWN}), "create": UNKNOWN}
        assert command.reasons(COMMAND, inputs) == []
        assert command.create(COMMAND, inputs, preview=True).state["create"] == UNKNOWN


class TestWithoutContact:
    def test_unknown_inputs_of_an_update_are_named(self, command: Plugin) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            command.create(COMMAND, _INPUTS | {"stdin": UNKNOWN})
        assert failure(raised.value) == "stdin must be known when r is made"

    def test_read_gives_back_what_it_is_given(self, command: Plugin) -> None:
        answer = command.read(COMMAND, _STATE, _INPUTS)
        assert (answer.id, properties(answer.properties), properties(answer.inputs)) == ("r", _STATE, _INPUTS)

    def test_nothing_is_contacted_without_a_script(self, command: Plugin) -> None:
        created = command.create(COMMAND, {"connection": _CONNECTION})
        assert (created.state["stdout"], created.state["stderr"]) == ("", "")
        command.delete(COMMAND, _STATE)
        command.delete(COPY, _COPY)

    def test_a_copy_to_another_host_alone_copies_nothing(self, command: Plugin) -> None:
        elsewhere = _COPY | {"connection": secret(_SDK_CONNECTION | {"host": "192.0.2.9"})}
        assert command.update(COPY, _COPY, elsewhere) == elsewhere
