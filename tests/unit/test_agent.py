"""`ssh.agent`: the key is one of the SSH agent's."""

from collections.abc import Callable
from typing import Any

from settings import Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]


def test_agent_takes_the_place_of_a_key(values: Values, loaded: Load) -> None:
    values["ssh"] = {"agent": True}
    values["nodes"][1]["ssh"] = {"privateKeyFile": "id_ed25519"}

    first, second, _ = (node.ssh for node in loaded(values).nodes)
    assert first.private_key is None
    assert second.private_key


def test_node_and_bastion_may_use_the_agent_alone(values: Values, loaded: Load) -> None:
    values["nodes"][0]["ssh"] = {"agent": True}
    host_key = values["nodes"][0]["hostKey"]
    values["ssh"]["bastion"] = {"host": "203.0.113.1", "hostKey": host_key, "agent": True}

    first, second, _ = (node.ssh for node in loaded(values).nodes)
    assert (first.private_key, second.private_key is None) == (None, False)
    assert second.bastion
    assert second.bastion.private_key is None


def test_agent_must_not_be_set_together_with_a_key(values: Values, refused: Refused) -> None:
    both = {"agent": True, "privateKeyFile": "id_ed25519"}
    values["ssh"] = both
    values["nodes"][0]["ssh"] = both
    must = "Forbidden: must not be set together with privateKeyFile: keep one of the two"
    assert refused(values) == [f"ssh.agent: {must}", f"nodes[0].ssh.agent: {must}"]

    values["ssh"] = {"agent": True}
    values["nodes"][0]["ssh"] = {}
    values["sshPrivateKey"] = "x"
    assert refused(values) == ["sshPrivateKey: Forbidden: must not be set together with ssh.agent: keep one of the two"]
