"""`bastion` of `ssh`, for the fleet and for a node."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from settings import SSH, Settings
from tests.unit.test_ssh_private_key import new_key

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN"
BASTION = {"host": "203.0.113.1", "hostKey": HOST_KEY}


def bastions(settings: Settings) -> list[SSH | None]:
    return [node.ssh.bastion for node in settings.nodes]


def test_nodes_go_through_the_fleets_bastion_with_the_fleets_login(values: Values, loaded: Load) -> None:
    values["ssh"] |= {"user": "deploy", "bastion": BASTION}
    values["nodes"][1]["ssh"] = {"user": "root"}

    first, second, _ = bastions(loaded(values))
    assert first
    assert (first.host, first.port, first.user, first.host_key) == ("203.0.113.1", 22, "deploy", HOST_KEY)
    assert first.private_key == loaded(values).nodes[0].ssh.private_key
    assert second == first


def test_bastion_may_have_its_own_login(values: Values, loaded: Load, project: Path) -> None:
    (project / "jump").write_text(new_key())
    values["ssh"]["bastion"] = {**BASTION, "port": 2222, "user": "jump", "privateKeyFile": "jump"}

    node = loaded(values).nodes[0].ssh
    assert node.bastion
    assert (node.bastion.port, node.bastion.user) == (2222, "jump")
    assert node.bastion.private_key == SecretStr((project / "jump").read_text())
    assert node.private_key != node.bastion.private_key
    assert node.user == "root"


def test_node_may_have_another_bastion_or_none(values: Values, loaded: Load) -> None:
    values["ssh"]["bastion"] = BASTION
    values["nodes"][1]["ssh"] = {"user": "deploy", "bastion": {**BASTION, "host": "bastion.example.org"}}
    values["nodes"][2]["ssh"] = {"bastion": None}

    first, second, third = bastions(loaded(values))
    assert first
    assert second
    assert (first.host, second.host, second.user) == ("203.0.113.1", "bastion.example.org", "deploy")
    assert third is None


def test_nodes_behind_different_bastions_may_have_the_same_endpoint(
    values: Values, loaded: Load, refused: Refused
) -> None:
    values["nodes"][0]["ssh"] = {"host": "10.0.0.1", "bastion": BASTION}
    values["nodes"][1]["ssh"] = {"host": "10.0.0.1", "bastion": {**BASTION, "host": "203.0.113.2"}}
    loaded(values)

    values["nodes"][1]["ssh"]["bastion"] = BASTION
    assert refused(values) == ['nodes[1].ssh: Duplicate value: "10.0.0.1:22 through 203.0.113.1"']


@pytest.mark.parametrize("at", ["ssh", "nodes[0].ssh"])
def test_bastion_must_have_a_host_and_its_key(values: Values, refused: Refused, at: str) -> None:
    section = values["ssh"] if at == "ssh" else values["nodes"][0].setdefault("ssh", {})
    section["bastion"] = {"host": "203.0.113.1", "port": 2222}
    assert refused(values) == [
        f"{at}.bastion.hostKey: Required value: must be the bastion's SSH host key, without the host name before it: "
        "ssh-keyscan -t ed25519 -p 2222 203.0.113.1"
    ]

    section["bastion"] = {"hostKey": HOST_KEY}
    assert refused(values) == [f"{at}.bastion.host: Required value: must be the bastion's IP address or DNS name"]


def test_fleets_bastion_needs_a_key_even_if_each_node_has_its_own(
    values: Values, loaded: Load, refused: Refused
) -> None:
    values["ssh"] = {"bastion": BASTION}
    for node in values["nodes"]:
        node["ssh"] = {"privateKeyFile": "id_ed25519"}
    assert [problem.split(":")[0] for problem in refused(values)] == ["ssh.privateKeyFile"]

    values["ssh"]["bastion"] = {**BASTION, "privateKeyFile": "id_ed25519"}
    loaded(values)
