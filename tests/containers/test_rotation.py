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

pytestmark = pytest.mark.xdist_group("containers")

TRUST, NEW, NEW_KEY = (f".lab/cert/{name}.pem" for name in ("trust", "new-ca", "new-ca-key"))


@contextmanager
def one_restart_and_no_failed_request(deployed: Cluster) -> Iterator[None]:
    """Runs the body and then `pulumi up` under a stream of requests."""
    starts = {node.name: generations.starts(node) for node in deployed.nodes}
    with probe.probed(deployed.nodes) as answers:
        yield
        result = deployed.up()
        assert result.status == 0, result.output
    for node in deployed.nodes:
        assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
        assert len(answers[node.name].each) > 20
        assert generations.starts(node) - starts[node.name] == 1


def configure(deployed: Cluster, **files: str) -> None:
    """Sets paths by the commands of the document, since `pulumi config set` rewrites the file."""
    for name, file in files.items():
        result = deployed.pulumi("config", "set", "--path", f"kube-proxy:certificateAuthority.{name}", file)
        assert result.status == 0, result.output


def issuers(deployed: Cluster) -> set[str]:
    """Returns which CAs verify the client certificates in the nodes' kubeconfigs."""
    found = set()
    for node in deployed.nodes:
        user = yaml.safe_load(node.run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["users"][0]["user"]
        shown = deployed.lab.state / "shown.pem"
        shown.write_bytes(base64.b64decode(user["client-certificate-data"]))
        for name in ("ca", "new-ca"):
            verify = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(deployed.lab.cert / f"{name}.pem")]
            if subprocess.run([*verify, str(shown)], capture_output=True).returncode == 0:
                found.add(name)
    return found


def answers(deployed: Cluster, trusted: str, client: str) -> list[str]:
    """Returns the HTTP status that each API server answers an administrator with; 000 if its certificate isn't trusted."""
    cert, own = deployed.lab.cert, loopback.choose(deployed.lab)
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", str(cert / trusted)]
    ask += ["--cert", str(cert / f"{client}.pem"), "--key", str(cert / f"{client}-key.pem")]
    urls = [f"https://{own.of(server)}:{topology.API_SERVER_PORT}/api/v1/nodes" for server in topology.API_SERVERS]
    return [subprocess.run([*ask, url], capture_output=True, text=True).stdout for url in urls]


def await_answers(deployed: Cluster, trusted: str, client: str, status: str) -> None:
    """Until every API server answers so."""
    deadline = time.monotonic() + 60
    while (found := answers(deployed, trusted, client)) != [status] * len(topology.API_SERVERS):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


class TestRotationOfTheCA:
    def test_step_1_nodes_and_api_servers_trust_both_cas(self, deployed: Cluster) -> None:
        cert, log = deployed.lab.cert, deployed.lab.log / "cfssl.log"
        for name in ("admin.pem", "admin-key.pem"):
            shutil.copy(cert / name, cert / f"old-{name}")
        certificates.make_authority(cert, "new-ca", log)
        before = deployed.outputs()["certificate"]
        with one_restart_and_no_failed_request(deployed):
            (cert / "trust.pem").write_text((cert / "ca.pem").read_text() + (cert / "new-ca.pem").read_text())
            control_plane.restart_load_balancer(deployed.lab, loopback.choose(deployed.lab))
            configure(deployed, trustBundleFile=TRUST)
        assert deployed.outputs()["certificate"] == before, "no certificate is issued"
        assert issuers(deployed) == {"ca"}

    def test_step_2_the_new_ca_issues(self, deployed: Cluster) -> None:
        own = loopback.choose(deployed.lab)
        with one_restart_and_no_failed_request(deployed):
            # The files keep their names: API servers reload changed files.
            certificates.issue(deployed.lab.cert, own, deployed.lab.log / "cfssl.log", "new-ca")
            await_answers(deployed, "new-ca.pem", "admin", "200")
            configure(deployed, certificateFile=NEW, privateKeyFile=NEW_KEY)
            result = deployed.pulumi("preview")
            assert "issuing a certificate, valid until " in result.output, result.output
        assert issuers(deployed) == {"new-ca"}
        assert answers(deployed, "new-ca.pem", "old-admin") == ["200"] * 3, "clients of the old CA are still accepted"

    def test_step_3_nothing_trusts_the_old_ca(self, deployed: Cluster) -> None:
        cert = deployed.lab.cert
        with one_restart_and_no_failed_request(deployed):
            shutil.copy(cert / "new-ca.pem", cert / "trust.pem")
            await_answers(deployed, "new-ca.pem", "old-admin", "401")
            deployed.pulumi("config", "rm", "--path", "kube-proxy:certificateAuthority.trustBundleFile")
        assert answers(deployed, "new-ca.pem", "admin") == ["200"] * 3
        assert answers(deployed, "ca.pem", "admin") == ["000"] * 3
        cluster = yaml.safe_load(deployed.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["clusters"][0]
        trusted = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        assert trusted == (cert / "new-ca.pem").read_text()

    def test_renaming_the_files_of_the_new_ca_changes_nothing(self, deployed: Cluster) -> None:
        cert = deployed.lab.cert
        for name in ("ca.pem", "ca-key.pem"):
            (cert / name).rename(cert / f"old-{name}")
            (cert / f"new-{name}").rename(cert / name)
        configure(deployed, certificateFile=".lab/cert/ca.pem", privateKeyFile=".lab/cert/ca-key.pem")
        result = deployed.pulumi("preview", "--expect-no-changes")
        assert result.status == 0, result.output
