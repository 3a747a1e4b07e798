"""One lab for all tests of this directory: real engine, real SSH, real systemd, real kube-proxy, real API servers.

Its nodes are containers, which are many times faster than emulated machines; where a user other than root runs the tests, they are
those of tests/lab. What needs IPVS, kernel modules or a power cut is in tests/lab.
"""

import os
from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster, own_lab

CONFIGURATION = {
    "mode": "nftables",
    # A container must not write /proc/sys/net/netfilter/nf_conntrack_max.
    "conntrack": {"maxPerCore": 0},
}


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A deployed fleet. Both nodes are activated at the same time, to save time."""
    with own_lab(tmp_path_factory.mktemp("lab") / "project", containers=os.geteuid() == 0) as cluster:
        cluster.configure(lambda values: values.update(configuration=CONFIGURATION))
        cluster.configure(lambda values: values["rollout"].update(minReadySeconds=1, canary=0, maxUnavailable="100%"))
        cluster.pulumi("stack", "select", "--create", "dev")
        result = cluster.up()
        assert result.status == 0, result.output
        yield cluster
