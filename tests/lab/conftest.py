"""One lab for all tests of this directory: started once, its nodes as clean as at their first boot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import verbs
from lab.paths import Lab
from lab.progress import Steps
from tests.lab.cluster import Cluster, copy_project


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    project: Path = tmp_path_factory.mktemp("lab") / "project"
    copy_project(project)
    cluster = Cluster(Lab(project))
    try:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.start)
        yield cluster
    finally:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.clean)
