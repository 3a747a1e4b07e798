"""The table of stages agrees with README, with the scripts and with the dependencies of the resources."""

import re
from itertools import pairwise

import pytest

from components.remote_script import SCRIPTS
from components.stages import REMOVE, STAGES, Stage
from tests.components.recorder import Deploy

SCRIPTED = [stage for stage in STAGES if stage.scripts]


def test_readme_lists_the_stages_in_order() -> None:
    readme = (SCRIPTS.parent / "README.md").read_text()
    how_it_works = readme.partition("## How it works")[2].partition("\n## ")[0]
    assert re.findall(r"^\d\. \*\*(\w+)\*\*", how_it_works, re.MULTILINE) == [stage.name for stage in SCRIPTED]


def test_architecture_lists_the_stages_with_what_they_do_and_change() -> None:
    architecture = (SCRIPTS.parent / "docs/architecture.md").read_text().partition("## Stages")[2].partition("\n## ")[0]
    rows = [f"| {stage.name} | {stage.title} | {stage.changes} |" for stage in (*STAGES, REMOVE)]
    assert [line for line in architecture.splitlines() if line.startswith("|")][2:] == rows


@pytest.mark.parametrize("stage", [*SCRIPTED, REMOVE], ids=lambda stage: stage.name)
def test_stage_lists_the_scripts_that_its_own_script_uses(stage: Stage) -> None:
    script = (SCRIPTS / f"{stage.name}.sh").read_text()
    used = re.findall(r"^\. \./(\S+)$|<(\w+\.sh)$", script, re.MULTILINE)
    assert [sourced or read for sourced, read in used] == list(stage.scripts)


def test_each_stage_of_a_node_depends_on_the_one_before(deploy: Deploy) -> None:
    recorder = deploy()
    for first, second in pairwise(f"k8s-node03-{stage.name}" for stage in STAGES):
        assert first in recorder.depends_on[second]
