"""One lab for all tests of this directory. The files run in the order of their names: each goes on where the last ended.

Real engine, real SSH, real systemd, real kube-proxy, real API servers.
"""

from collections.abc import Iterator

import pytest

from tests.lab import foreign
from tests.lab.cluster import Cluster, own_lab


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_lab(tmp_path_factory.mktemp("lab") / "project") as cluster:
        # minReadySeconds: nine seconds less for each wave. Both nodes are activated at the same time, to save time. excludeCIDRs:
        # tests/lab/foreign.py. syncPeriod: an idle kube-proxy takes 8 % of a core with the default.
        ipvs = {"excludeCIDRs": [foreign.EXCLUDED], "syncPeriod": "1h"}
        cluster.configure(lambda values: values["rollout"].update(minReadySeconds=1, canary=0, maxUnavailable="100%"))
        cluster.configure(lambda values: values["configuration"].update(ipvs=ipvs))
        yield cluster


@pytest.fixture(scope="package")
def deployed(cluster: Cluster) -> Cluster:
    """The fleet as test_1_deploy.py leaves it; deployed here if that file did not run."""
    cluster.pulumi("stack", "select", "--create", "dev")
    if "nodes" not in cluster.outputs():
        result = cluster.up()
        assert result.status == 0, result.output
    return cluster
