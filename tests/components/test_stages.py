"""The table of stages agrees with README, docs/architecture.md and the scripts."""

import re

from components.delivery import SCRIPTS
from components.stages import REMOVE, STAGES


def test_readme_lists_the_stages_in_order() -> None:
    readme = (SCRIPTS.parent / "README.md").read_text()
    how_it_works = readme.partition("## How it works")[2].partition("\n## ")[0]
    assert re.findall(r"^\d\. \*\*(\w+)\*\*", how_it_works, re.MULTILINE) == [stage.name for stage in STAGES]


def test_architecture_lists_the_stages_with_what_they_do_and_change() -> None:
    architecture = (SCRIPTS.parent / "docs/architecture.md").read_text().partition("## Stages")[2].partition("\n## ")[0]
    rows = [f"| {stage.name} | {stage.title} | {stage.changes} |" for stage in (*STAGES, REMOVE)]
    assert [line for line in architecture.splitlines() if line.startswith("|")][2:] == rows


def test_each_stage_has_a_script() -> None:
    assert all((SCRIPTS / f"{stage.name}.sh").exists() for stage in (*STAGES, REMOVE))
