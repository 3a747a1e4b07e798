"""The stack's configuration from Pulumi: warnings become Pulumi's warnings, and errors end the preview."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config

from settings.stack_configuration import stack_settings


@pytest.fixture(autouse=True)
def own_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test` runs in an environment like that of `make env`."""
    monkeypatch.delenv("KUBE_PROXY_LAB_SSH_CONFIG", raising=False)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]) -> list[str]:
    """The warnings that Pulumi shows for the valid stack with nodesFile added."""
    given = {f"kube-proxy:{key}": json.dumps(value) for key, value in values.items()}
    monkeypatch.setattr(
        config, "get_config_env", lambda: {**given, "kube-proxy:nodesFile": "nodes.yaml", "aws:region": "x"}
    )
    shown: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", shown.append)
    return shown


WARNINGS = ["configuration.mode: ", "configuration.ipvs.strictARP: "]


def test_errors_and_warnings_are_all_shown(warned: list[str], project: Path) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        stack_settings(project)

    assert str(raised.value) == (
        "the stack's configuration (kube-proxy:) has 1 problem:\n"
        "  nodesFile: Forbidden: must not be set together with nodes: keep one of the two"
    )
    assert [line for line, start in zip(warned, WARNINGS, strict=True) if line.startswith(start)] == warned


def test_warnings_do_not_block(warned: list[str], project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {key: value for key, value in config.get_config_env().items() if key != "kube-proxy:nodesFile"}
    monkeypatch.setattr(config, "get_config_env", lambda: given)

    assert len(stack_settings(project).nodes) == 3
    assert [line for line, start in zip(warned, WARNINGS, strict=True) if line.startswith(start)] == warned


def test_stack_of_your_own_does_not_get_the_labs_empty_passphrase(
    warned: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBE_PROXY_LAB_SSH_CONFIG", "/lab/ssh/config")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    with pytest.raises(pulumi.RunError, match="in a shell where you ran `make env`"):
        stack_settings(project)

    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "my own")
    with pytest.raises(pulumi.RunError, match="nodesFile: Forbidden"):
        stack_settings(project)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    with pytest.raises(pulumi.RunError, match="nodesFile: Forbidden"):
        stack_settings(project)
    assert warned


def test_json_that_exceeds_the_limits_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep, long = "[" * 900 + "]" * 900, "1" * 5_000
    given = {"kube-proxy:cluster": deep, "kube-proxy:rollout": f'{{"canary": {long}}}', "kube-proxy:ssh": "NaN"}
    monkeypatch.setattr(config, "get_config_env", lambda: given)
    with pytest.raises(pulumi.RunError) as raised:
        stack_settings(project)

    for key in given:
        name = key.removeprefix("kube-proxy:")
        assert f"  {name}: Invalid value: " in str(raised.value)
    assert str(raised.value).count("…: must be a mapping") == 2
