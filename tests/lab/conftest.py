"""One lab for all tests of this directory, whose files tell one story in the order of their names.

Real engine, real SSH, real systemd, real kube-proxy, real API servers.
"""

from collections.abc import Iterator

import pytest

from tests.lab import foreign
from tests.lab.cluster import Cluster, own_lab


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_lab(tmp_path_factory.mktemp("lab") / "project") as cluster:
        # Ten seconds less for each change; and virtual servers of others, which tests put on a node.
        cluster.configure(lambda values: values["rollout"].update(minReadySeconds=1))
        cluster.configure(lambda values: values["configuration"].update(ipvs={"excludeCIDRs": [foreign.EXCLUDED]}))
        yield cluster


@pytest.fixture(scope="package")
def deployed(cluster: Cluster) -> Cluster:
    """The fleet, serving: as the first part of the story left it, or deployed now where that was not told."""
    cluster.pulumi("stack", "select", "--create", "dev")
    done = cluster.up()
    assert done.status == 0, done.text
    return cluster
