"""A binary that nodes download: a server that fails changes nothing, and the next run goes on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.lab import network, topology
from tests.lab import mirror
from tests.lab.cluster import Cluster, binary

pytestmark = pytest.mark.xdist_group("containers")

PORT = 8088
_PROJECT = Path(__file__).parents[2]
_BINARIES = "/var/lib/kube-proxy-generations/binaries"


@pytest.fixture
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet; afterwards its binary is again the one that is there."""
    text = deployed.configuration_file.read_text()
    yield deployed
    deployed.configuration_file.write_text(text)
    result = deployed.up()
    assert result.status == 0, result.output


def test_download_that_fails_changes_nothing_and_is_continued(fleet: Cluster, tmp_path: Path) -> None:
    before, (first, second) = fleet.processes(), fleet.nodes
    pinned = binary("1.36.2")
    file, requests = fleet.lab.project / pinned["path"], tmp_path / "requests"
    url = f"http://{topology.GATEWAY}:{PORT}/kube-proxy"
    fleet.configure(
        lambda values: values.update(
            binary={"version": "1.36.2", "source": "url", "url": url, "sha256": pinned["sha256"]}
        )
    )
    for node in fleet.nodes:
        node.run(f"rm {_BINARIES}/*")  # uploaded by the first deployment
    served = tmp_path / "served"
    served.symlink_to(file)
    served.with_suffix(".fault").write_text(f"{first.worker.address} {second.worker.address}")
    command: list[str | Path] = [sys.executable, "-m", "tests.lab.mirror", str(topology.GATEWAY), str(PORT), served]
    with (
        requests.open("w") as log,
        subprocess.Popen(network.inside(fleet.lab, command), cwd=_PROJECT, stdout=log) as server,
    ):
        try:
            result = fleet.up()
            assert result.status != 0
            assert f"{first.name}: stage: the binary must be downloadable from {url}: curl: (18)" in result.output
            assert f"{second.name}: stage: the binary must have the pinned SHA-256 " in result.output
            assert f", {url} has " in result.output
            assert fleet.processes() == before
            cut_off = first.run(f"stat -c %s {_BINARIES}/*.new").strip()
            assert int(cut_off) > len(mirror.PAGE)
            assert second.run(f"ls {_BINARIES}") == ""

            served.with_suffix(".fault").unlink()
            result = fleet.up()
            assert result.status == 0, result.output
        finally:
            server.kill()
    assert f"{first.worker.address} /elsewhere bytes={cut_off}-" in requests.read_text()
    for node in fleet.nodes:
        assert node.run(f"cmp /usr/local/bin/kube-proxy {_BINARIES}/*") == ""
    assert fleet.processes() == before, "it is the binary that was there"
