"""Responses of the command plugin that need no connection, as recorded from the official plugin 1.2.1."""

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
    def test_plugin_has_the_official_version_and_no_handshake(self, command: Plugin) -> None:
        assert command.stub.GetPluginInfo(Empty()).version == "1.2.1"
        with pytest.raises(grpc.RpcError) as raised:
            command.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED

    def test_provider_inputs_have_the_version_of_the_official_framework(self, command: Plugin) -> None:
        answer = command.stub.CheckConfig(provider_pb2.CheckRequest(news=struct({"version": "1.2.1"})))
        assert properties(answer.inputs) == {"version": "1.2.1", "__pulumi-go-provider-version": "1.2.0"}
        configured = command.stub.Configure(provider_pb2.ConfigureRequest())
        assert configured.acceptSecrets
        assert configured.supportsPreview

    def test_unknown_resource_type_is_refused(self, command: Plugin) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            command.check("command:local:Command", {})
        assert "got command:local:Command" in failure(raised.value)


class TestCheck:
    def test_private_key_becomes_a_secret_inside_the_secret_connection(self, command: Plugin) -> None:
        assert properties(command.check(COMMAND, _SENT).inputs) == _INPUTS

    def test_private_key_of_a_proxy_becomes_a_secret_too(self, command: Plugin) -> None:
        connection = secret(_SDK_CONNECTION | {"proxy": {"host": "192.0.2.2", "privateKey": "p"}})
        checked = properties(command.check(COMMAND, {"connection": connection}).inputs)
        assert checked["connection"]["value"]["proxy"]["privateKey"] == secret("p")

    @pytest.mark.parametrize(
        ("inputs", "refused"),
        [
            ({"connection": _CONNECTION, "interpreter": ["sh"]}, "interpreter"),
            ({"connection": secret({"host": "h", "sudo": True})}, "connection.sudo"),
            ({"connection": secret({"host": "h", "password": "p"})}, "connection.password"),
            ({"connection": _CONNECTION, "logging": "all"}, "logging"),
            ({"create": "true"}, "connection"),
        ],
    )
    def test_unknown_or_missing_inputs_are_refused(self, command: Plugin, inputs: dict[str, Any], refused: str) -> None:
        assert [name for name, _ in command.check_failures(COMMAND, inputs)] == [refused]

    def test_source_must_be_a_text_or_a_file(self, command: Plugin) -> None:
        assert command.check_failures(COPY, _COPY) == []
        assert command.check_failures(COPY, _COPY | {"source": secret(asset(hash="1", path="/f"))}) == []
        remote = asset(hash="1", uri="https://192.0.2.1/x")
        assert [name for name, _ in command.check_failures(COPY, _COPY | {"source": remote})] == ["asset"]

    def test_source_unknown_in_a_preview_is_refused(self, command: Plugin) -> None:
        assert command.check_failures(COPY, _COPY | {"source": UNKNOWN}) == [
            ("asset", "either asset or archive must be set")
        ]


class TestDiff:
    def test_same_inputs_are_no_change(self, command: Plugin) -> None:
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
    def test_change_has_its_path_and_never_replaces(
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

    def test_removed_input_is_a_deletion(self, command: Plugin) -> None:
        answer = changes(
            command, COMMAND, _STATE | {"environment": {"LANG": "C", "A": "1"}}, _INPUTS | {"environment": {"A": "1"}}
        )
        assert answer["detailedDiff"] == {"environment.LANG": {"kind": "DELETE"}}

    def test_assets_are_compared_by_their_hash(self, command: Plugin) -> None:
        answer = changes(command, COPY, _COPY, _COPY | {"source": asset(hash="df7e70e5", text="B")})
        assert answer["detailedDiff"] == {"source": {"kind": "UPDATE"}}


class TestPreview:
    def test_previews_of_create_and_update_have_the_inputs_and_unknown_outputs(self, command: Plugin) -> None:
        planned = _INPUTS | {"stdout": UNKNOWN, "stderr": UNKNOWN}
        created = command.create(COMMAND, _INPUTS, preview=True)
        assert created.state == planned
        assert len(created.id) == len("r") + 8
        assert created.id.startswith("r")
        assert command.update(COMMAND, _STATE, _INPUTS, preview=True) == planned

    def test_preview_of_a_copy_has_no_id_and_an_unknown_source(self, command: Plugin) -> None:
        created = command.create(COPY, _COPY, preview=True)
        assert (created.id, created.state) == ("", _COPY | {"source": UNKNOWN})
        assert command.update(COPY, _COPY, _COPY, preview=True)["source"] == UNKNOWN

    def test_unknown_inputs_pass_in_a_preview(self, command: Plugin) -> None:
        inputs = {"connection": secret(_SDK_CONNECTION | {"host": UNKNOWN}), "create": UNKNOWN}
        assert command.check_failures(COMMAND, inputs) == []
        assert command.create(COMMAND, inputs, preview=True).state["create"] == UNKNOWN


class TestWithoutConnection:
    def test_error_names_the_input_that_is_still_unknown_in_an_update(self, command: Plugin) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            command.create(COMMAND, _INPUTS | {"stdin": UNKNOWN})
        assert failure(raised.value) == "stdin must be known when r is created"

    def test_read_returns_the_given_properties(self, command: Plugin) -> None:
        answer = command.read(COMMAND, _STATE, _INPUTS)
        assert (answer.id, properties(answer.properties), properties(answer.inputs)) == ("r", _STATE, _INPUTS)

    def test_no_script_means_no_connection(self, command: Plugin) -> None:
        created = command.create(COMMAND, {"connection": _CONNECTION})
        assert (created.state["stdout"], created.state["stderr"]) == ("", "")
        command.delete(COMMAND, _STATE)
        command.delete(COPY, _COPY)

    def test_another_host_alone_copies_nothing(self, command: Plugin) -> None:
        elsewhere = _COPY | {"connection": secret(_SDK_CONNECTION | {"host": "192.0.2.9"})}
        assert command.update(COPY, _COPY, elsewhere) == elsewhere
