"""`make explain`: the origin of each value of a node's configuration."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands.explain import main

REPOSITORY = Path(__file__).parents[2]

FILE = """\
config:
  kube-proxy:cluster: {clusterCIDR: 172.30.0.0/16}
  kube-proxy:nodes:
    - name: k8s-node01
      address: 192.168.99.101
      configuration:
        oomScoreAdj: -998
        ipvs: {strictARP: true}
        nodePortAddresses: [primary]
  kube-proxy:configuration:
    metricsBindAddress: 127.0.0.1:10249
    oomScoreAdj: -999
    ipvs:
      scheduler: wrr
"""
TEXT = """\
kind: "KubeProxyConfiguration"                                        # always
apiVersion: "kubeproxy.config.k8s.io/v1alpha1"                        # always
clientConnection.kubeconfig: "/etc/kubernetes/kube-proxy.kubeconfig"  # always
bindAddress: "192.168.99.101"                                         # nodes[0].address, Pulumi.prod.yaml:5
clusterCIDR: "172.30.0.0/16"                                          # cluster.clusterCIDR, Pulumi.prod.yaml:2
healthzBindAddress: "192.168.99.101:10256"                            # nodes[0].address, Pulumi.prod.yaml:5
hostnameOverride: "k8s-node01"                                        # nodes[0].name, Pulumi.prod.yaml:4
metricsBindAddress: "127.0.0.1:10249"                                 # configuration.metricsBindAddress, Pulumi.prod.yaml:11
mode: "ipvs"                                                          # the default
ipvs.scheduler: "wrr"                                                 # configuration.ipvs.scheduler, Pulumi.prod.yaml:14
ipvs.strictARP: true                                                  # nodes[0].configuration.ipvs.strictARP, Pulumi.prod.yaml:8
nodePortAddresses: ["primary"]                                        # nodes[0].configuration.nodePortAddresses, Pulumi.prod.yaml:9
oomScoreAdj: -998                                                     # nodes[0].configuration.oomScoreAdj, Pulumi.prod.yaml:7
"""


@pytest.fixture(autouse=True)
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text(FILE)


def test_explain_shows_each_value_with_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Pulumi.prod.yaml", "k8s-node01"]) == 0
    assert capsys.readouterr().out == TEXT


def test_explain_reads_nodes_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("nodes.yaml").write_text("- {name: k8s-node02, address: 'fd00::2', configuration: {mode: nftables}}\n")
    Path("Pulumi.prod.yaml").write_text("config: {'kube-proxy:nodesFile': nodes.yaml}\n")
    assert main(["Pulumi.prod.yaml", "k8s-node02"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split("  # ")[1] for line in shown if line.startswith(("bindAddress", "mode"))] == [
        "nodesFile[0].address",
        "nodesFile[0].configuration.mode",
    ]


def test_explain_lists_the_nodes_if_the_name_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Pulumi.prod.yaml", "k8s-node03"]) == 1
    assert capsys.readouterr().out == (
        'Pulumi.prod.yaml: must have a node "k8s-node03" with an address; it has: k8s-node01\n'
    )


@pytest.mark.parametrize("command", ["explain", "validate"])
def test_reader_that_goes_away_is_no_error(command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    node = ["k8s-node01"] if command == "explain" else []
    done = subprocess.run(
        [sys.executable, "-m", f"commands.{command}", "Pulumi.prod.yaml", *node],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")
