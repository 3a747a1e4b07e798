"""`make env` is fit for eval, and its stand-ins serve only beside the engine that the lab has built."""

import os
import subprocess
from pathlib import Path

import pytest

from lab import environment
from lab.paths import Lab
from tests.lab_unit.conftest import program


def evaluated(lab: Lab, variable: str) -> str:
    shell = f'{environment.exports(lab)}printf %s "${variable}"'
    return subprocess.run(["/bin/sh", "-euc", shell], capture_output=True, text=True, check=True).stdout


def test_a_shell_gets_the_values_as_they_are(lab: Lab, tools: Path) -> None:
    assert tools.exists()
    assert evaluated(lab, "KUBECONFIG") == str(lab.state / "admin.kubeconfig")


def test_without_a_pulumi_the_built_engine_and_the_stand_ins_are_first(lab: Lab, tools: Path) -> None:
    first = evaluated(lab, "PATH").split(":")[:3]
    assert first == [str(lab.bin), str(lab.project / "lab/stand_ins/bin"), str(tools)]
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" in environment.variables(lab)


def test_beside_the_user_s_pulumi_no_stand_in_is_on_path(lab: Lab, tools: Path) -> None:
    program(tools / "pulumi", "")
    assert "stand_ins" not in evaluated(lab, "PATH")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment.variables(lab)


def test_evaluated_twice_path_stays_the_same(lab: Lab, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = environment.variables(lab)["PATH"]
    monkeypatch.setenv("PATH", once)
    assert environment.variables(lab)["PATH"] == once
    assert str(tools) in once.split(os.pathsep)
