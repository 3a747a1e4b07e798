"""A stack of certificates with an authority."""

from pathlib import Path

import pytest

from tests.certificates.stack import Stack
from tests.stand_ins.project import Project


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("prepared") / "project")
    made.prepare()
    stack = Stack(made)
    stack.authority()
    return made


@pytest.fixture
def stack(prepared: Project, tmp_path: Path) -> Stack:
    return Stack(prepared.copy(tmp_path / "project"))
