"""Rotation of the cluster's CA by docs/ca-rotation.md, a test for each step: every node serves and no request fails.

Both CAs have the same subject, as they do if both were made with the guide's request.
"""

import base64
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from development.lab import certificates, control_plane, loopback, topology
from tests.lab import generations, probe
from tests.lab.cluster import Cluster

TRUST, NEW, NEW_KEY = (f".lab/cert/{name}.pem" for name in ("trust", "new-ca", "new-ca-key"))


@pytest.fixture(scope="module")
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet; both nodes are activated at the same time, to save time."""
    text = deployed.configuration_file.read_text()
    deployed.configure(lambda values: values["rollout"].update(canary=0, maxUnavailable="100%"))
    yield deployed
    deployed.configuration_file.write_text(text)


@contextmanager
def one_restart_and_no_failed_request(fleet: Cluster) -> Iterator[None]:
    """Runs the body and then `pulumi up` under a stream of requests."""
    starts = {node.name: generations.starts(node) for node in fleet.nodes}
    with probe.probed(fleet.nodes) as answers:
        yield
        result = fleet.up()
        assert result.status == 0, result.output
    for node in fleet.nodes:
        assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
        assert len(answers[node.name].each) > 20
        assert generations.starts(node) - starts[node.name] == 1


def configure(fleet: Cluster, **files: str) -> None:
    """Sets paths by the commands of the document, since `pulumi config set` rewrites the file."""
    for name, file in files.items():
        result = fleet.pulumi("config", "set", "--path", f"kube-proxy:certificateAuthority.{name}", file)
        assert result.status == 0, result.output


def issuers(fleet: Cluster) -> set[str]:
    """Returns which CAs verify the client certificates in the nodes' kubeconfigs."""
    found = set()
    for node in fleet.nodes:
        user = yaml.safe_load(node.run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["users"][0]["user"]
        shown = fleet.lab.state / "shown.pem"
        shown.write_bytes(base64.b64decode(user["client-certificate-data"]))
        for name in ("ca", "new-ca"):
            verify = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(fleet.lab.cert / f"{name}.pem")]
            if subprocess.run([*verify, str(shown)], capture_output=True).returncode == 0:
                found.add(name)
    return found


def answers(fleet: Cluster, trusted: str, client: str) -> list[str]:
    """Returns the HTTP status that each API server answers an administrator with; 000 if its certificate isn't trusted."""
    cert, own = fleet.lab.cert, loopback.choose(fleet.lab)
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(cert / trusted)]
    ask += ["--cert", str(cert / f"{client}.pem"), "--key", str(cert / f"{client}-key.pem")]
    urls = [f"https://{own.of(server)}:{topology.API_SERVER_PORT}/api/v1/nodes" for server in topology.API_SERVERS]
    return [subprocess.run([*ask, url], capture_output=True, text=True).stdout for url in urls]


def await_answers(fleet: Cluster, trusted: str, client: str, status: str) -> None:
    """Until every API server answers so."""
    deadline = time.monotonic() + 60
    while (found := answers(fleet, trusted, client)) != [status] * len(topology.API_SERVERS):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


class TestRotationOfTheCA:
    def test_step_1_nodes_and_api_servers_trust_both_cas(self, fleet: Cluster) -> None:
        cert, log = fleet.lab.cert, fleet.lab.log / "cfssl.log"
        for name in ("admin.pem", "admin-key.pem"):
            shutil.copy(cert / name, cert / f"old-{name}")
        certificates.make_authority(cert, "new-ca", log)
        before = fleet.outputs()["certificate"]
        with one_restart_and_no_failed_request(fleet):
            (cert / "trust.pem").write_text((cert / "ca.pem").read_text() + (cert / "new-ca.pem").read_text())
            control_plane.restart_load_balancer(fleet.lab, loopback.choose(fleet.lab))
            configure(fleet, trustBundleFile=TRUST)
        assert fleet.outputs()["certificate"] == before, "no certificate is issued"
        assert issuers(fleet) == {"ca"}

    def test_step_2_the_new_ca_issues(self, fleet: Cluster) -> None:
        own = loopback.choose(fleet.lab)
        with one_restart_and_no_failed_request(fleet):
            # The files keep their names: API servers reload changed files.
            certificates.issue(fleet.lab.cert, own, fleet.lab.log / "cfssl.log", "new-ca")
            await_answers(fleet, "new-ca.pem", "admin", "200")
            configure(fleet, certificateFile=NEW, privateKeyFile=NEW_KEY)
            result = fleet.pulumi("preview")
            assert "a certificate is issued, valid to " in result.output, result.output
        assert issuers(fleet) == {"new-ca"}
        assert answers(fleet, "new-ca.pem", "old-admin") == ["200"] * 3, "clients of the old CA are still accepted"

    def test_step_3_nothing_trusts_the_old_ca(self, fleet: Cluster) -> None:
        cert = fleet.lab.cert
        with one_restart_and_no_failed_request(fleet):
            shutil.copy(cert / "new-ca.pem", cert / "trust.pem")
            await_answers(fleet, "new-ca.pem", "old-admin", "401")
            fleet.pulumi("config", "rm", "--path", "kube-proxy:certificateAuthority.trustBundleFile")
        assert answers(fleet, "new-ca.pem", "admin") == ["200"] * 3
        assert answers(fleet, "ca.pem", "admin") == ["000"] * 3
        cluster = yaml.safe_load(fleet.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["clusters"][0]
        trusted = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        assert trusted == (cert / "new-ca.pem").read_text()

    def test_renaming_the_files_of_the_new_ca_changes_nothing(self, fleet: Cluster) -> None:
        cert = fleet.lab.cert
        for name in ("ca.pem", "ca-key.pem"):
            (cert / name).rename(cert / f"old-{name}")
            (cert / f"new-{name}").rename(cert / name)
        configure(fleet, certificateFile=".lab/cert/ca.pem", privateKeyFile=".lab/cert/ca-key.pem")
        result = fleet.pulumi("preview", "--expect-no-changes")
        assert result.status == 0, result.output
