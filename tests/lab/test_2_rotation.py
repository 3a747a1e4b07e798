"""The life of a fleet, second part: another CA, by docs/ca-rotation.md. Every node serves, and no request fails.

Each test is a step. Both authorities have one name, as where the guide's request made them.
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
    """The fleet, both nodes activated at the same time; afterwards as the other parts of the story want it."""
    text = deployed.configuration_file.read_text()
    deployed.configure(lambda values: values["rollout"].update(canary=0, maxUnavailable="100%"))
    yield deployed
    deployed.configuration_file.write_text(text)


@contextmanager
def undisturbed(fleet: Cluster) -> Iterator[None]:
    """A step that restarts each node's kube-proxy once, while requests through the Service go on without a failure."""
    starts = {node.name: generations.starts(node) for node in fleet.nodes}
    with probe.probed(fleet.nodes) as answers:
        yield
        done = fleet.up()
        assert done.status == 0, done.text
    for node in fleet.nodes:
        assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
        assert len(answers[node.name].each) > 20
        assert generations.starts(node) - starts[node.name] == 1


def configure(fleet: Cluster, **files: str) -> None:
    """As the document has it; a test of the file alone would not see what `pulumi config set` makes of it."""
    for name, file in files.items():
        done = fleet.pulumi("config", "set", "--path", f"kube-proxy:certificateAuthority.{name}", file)
        assert done.status == 0, done.text


def issuers(fleet: Cluster) -> set[str]:
    """Which authorities' certificates verify that which the nodes show."""
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
    """The HTTP status of each API server's answer to an administrator; 000 where its own certificate is not trusted."""
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


class TestAnotherCA:
    def test_1_everybody_trusts_both(self, fleet: Cluster) -> None:
        cert, log = fleet.lab.cert, fleet.lab.log / "cfssl.log"
        for name in ("admin.pem", "admin-key.pem"):
            shutil.copy(cert / name, cert / f"old-{name}")
        certificates.make_authority(cert, "new-ca", log)
        before = fleet.outputs()["certificate"]
        with undisturbed(fleet):
            (cert / "trust.pem").write_text((cert / "ca.pem").read_text() + (cert / "new-ca.pem").read_text())
            control_plane.restart_load_balancer(fleet.lab, loopback.choose(fleet.lab))
            configure(fleet, trustBundleFile=TRUST)
        assert fleet.outputs()["certificate"] == before, "no certificate is issued"
        assert issuers(fleet) == {"ca"}

    def test_2_the_new_one_issues(self, fleet: Cluster) -> None:
        own = loopback.choose(fleet.lab)
        with undisturbed(fleet):
            # The same names: the API servers read them anew.
            certificates.issue(fleet.lab.cert, own, fleet.lab.log / "cfssl.log", "new-ca")
            await_answers(fleet, "new-ca.pem", "admin", "200")
            configure(fleet, certificateFile=NEW, privateKeyFile=NEW_KEY)
            told = fleet.pulumi("preview")
            assert "a certificate is issued, valid to " in told.text, told.text
        assert issuers(fleet) == {"new-ca"}
        assert answers(fleet, "new-ca.pem", "old-admin") == ["200"] * 3, "of the old one, accepted still"

    def test_3_nobody_trusts_the_old_one(self, fleet: Cluster) -> None:
        cert = fleet.lab.cert
        with undisturbed(fleet):
            shutil.copy(cert / "new-ca.pem", cert / "trust.pem")
            await_answers(fleet, "new-ca.pem", "old-admin", "401")
            fleet.pulumi("config", "rm", "--path", "kube-proxy:certificateAuthority.trustBundleFile")
        assert answers(fleet, "new-ca.pem", "admin") == ["200"] * 3
        assert answers(fleet, "ca.pem", "admin") == ["000"] * 3
        cluster = yaml.safe_load(fleet.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["clusters"][0]
        trusted = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        assert trusted == (cert / "new-ca.pem").read_text()

    def test_the_new_ones_files_may_take_the_olds_names(self, fleet: Cluster) -> None:
        cert = fleet.lab.cert
        for name in ("ca.pem", "ca-key.pem"):
            (cert / name).rename(cert / f"old-{name}")
            (cert / f"new-{name}").rename(cert / name)
        configure(fleet, certificateFile=".lab/cert/ca.pem", privateKeyFile=".lab/cert/ca-key.pem")
        done = fleet.pulumi("preview", "--expect-no-changes")
        assert done.status == 0, done.text
