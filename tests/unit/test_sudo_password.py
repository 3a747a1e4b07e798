"""`sudoPassword`: the password that sudo asks a node's user for."""

from collections.abc import Callable
from typing import Any

import pytest

from settings import Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]


def test_password_is_for_users_who_are_not_root(values: Values, loaded: Load) -> None:
    values["ssh"]["user"] = "deploy"
    values["nodes"][1]["ssh"] = {"user": "root"}
    values["sudoPassword"] = " hunter 2"

    first, second, _ = (node.ssh for node in loaded(values).nodes)
    assert (first.user, second.user) == ("deploy", "root")
    assert first.sudo_password
    assert first.sudo_password.get_secret_value() == " hunter 2"
    assert second.sudo_password is None
    assert "hunter" not in repr(first)


@pytest.mark.parametrize("password", ["", "hunter2\n", "hunter\0"])
def test_password_must_be_one_line(values: Values, refused: Refused, password: str) -> None:
    values["ssh"]["user"] = "deploy"
    values["sudoPassword"] = password

    assert refused(values) == [
        "sudoPassword: Invalid value: must be one line: the password that sudo asks ssh.user for"
    ]


def test_password_that_no_node_needs_is_a_warning(values: Values, loaded: Load) -> None:
    values["sudoPassword"] = "hunter2"

    assert "sudoPassword: is not used: every node's ssh.user is root" in map(str, loaded(values).warnings)
