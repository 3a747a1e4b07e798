"""A stack that issues certificates with a CA, and a cluster to test them against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from development.pulumi_stand_ins.tests.project import Project
from tests.certificates import cluster as clusters
from tests.certificates.cluster import Cluster
from tests.certificates.stack import Stack


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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with clusters.running(tmp_path_factory.mktemp("cluster")) as running:
        yield running
