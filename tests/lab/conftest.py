"""One lab for all tests of this directory, whose files tell one story in the order of their names.

Real engine, real SSH, real systemd, real kube-proxy, real API servers.
"""

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


@pytest.fixture(scope="package")
def deployed(cluster: Cluster) -> Cluster:
    """The fleet, serving: as the first part of the story left it, or deployed now where that was not told."""
    cluster.pulumi("stack", "select", "--create", "dev")
    done = cluster.up()
    assert done.status == 0, done.text
    return cluster
