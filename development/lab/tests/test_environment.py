"""The output of `make env`, for eval in a shell."""

import os
import subprocess
from pathlib import Path

import pytest

from development.lab import environment
from development.lab.tests.conftest import program
from development.paths import Lab


def evaluated(lab: Lab, variable: str) -> str:
    shell = f'{environment.exports(lab)}printf %s "${variable}"'
    return subprocess.run(["/bin/sh", "-euc", shell], capture_output=True, text=True, check=True).stdout


def test_a_shell_gets_the_values_as_they_are(lab: Lab, tools: Path) -> None:
    assert tools.exists()
    assert evaluated(lab, "KUBECONFIG") == str(lab.state / "admin.kubeconfig")


def test_without_a_pulumi_the_built_engine_is_first_and_downloads_nothing(lab: Lab, tools: Path) -> None:
    assert evaluated(lab, "PATH").split(":")[:2] == [str(lab.bin), str(tools)]
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" in environment.variables(lab)


def test_the_user_s_pulumi_may_fetch_its_plugins(lab: Lab, tools: Path) -> None:
    program(tools / "pulumi", "")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment.variables(lab)


def test_evaluated_twice_path_stays_the_same(lab: Lab, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = environment.variables(lab)["PATH"]
    monkeypatch.setenv("PATH", once)
    assert environment.variables(lab)["PATH"] == once
    assert str(tools) in once.split(os.pathsep)
