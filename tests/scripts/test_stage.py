"""Staging lays a complete, verified generation beside the live one; nothing that is live changes."""

import subprocess
from collections.abc import Callable

import pytest

from components import generation
from tests.scripts.fake_node import BINARY, BINARY_SHA256, FakeNode

STATE = "/var/lib/kube-proxy-generations"


def test_a_generation_is_complete_private_and_beside_the_live_one(node: FakeNode) -> None:
    done = node.run("stage")
    assert done.returncode == 0, done.stderr
    digest = generation.digest(node.files)
    assert done.stdout == f"generation: {digest}\n"
    staged = node.path(f"{STATE}/{digest}")
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in staged.iterdir() if path.name != "binary"}
    assert modes == {
        "kube-ipvs0.network": "0o644",
        "kube-proxy": "0o755",
        "kube-proxy-config.yaml": "0o644",
        "kube-proxy.conf": "0o644",
        "kube-proxy.kubeconfig": "0o600",
        "kube-proxy.service": "0o644",
        "modules": "0o644",
    }
    assert node.path(STATE).stat().st_mode & 0o777 == 0o700
    assert node.live() == {}
    assert node.calls() == []


def test_modules_are_loaded_at_once_and_at_each_boot_once_the_generation_is_live(node: FakeNode) -> None:
    node.run("stage")
    assert node.path("/loaded-modules").read_text().split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]
    node.run("activate")
    assert node.path("/etc/modules-load.d/kube-proxy.conf").read_text().split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]


def no_api(node: FakeNode) -> None:
    node.path("/api").rename(node.root / "gone")


def no_node(node: FakeNode) -> None:
    node.path("/api/k8s-node01").unlink()


def other_binary(node: FakeNode) -> None:
    node.write(f"{STATE}/binaries/{BINARY_SHA256}", "truncated")


def no_binary(node: FakeNode) -> None:
    node.path(f"{STATE}/binaries/{BINARY_SHA256}").unlink()


def other_version(node: FakeNode) -> None:
    node.parameters["VERSION"] = "1.36.1"


def refused_configuration(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = "mode: userspace\n"


def misspelt_configuration(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = "mdoe: ipvs\n"


def other_authority(node: FakeNode) -> None:
    node.write("other-authority", "")


def clock_behind(node: FakeNode) -> None:
    node.parameters["NOT_BEFORE"] = "99999999998"


def clock_ahead(node: FakeNode) -> None:
    node.parameters["NOT_AFTER"] = "1"


def missing_module(node: FakeNode) -> None:
    node.write("missing-modules", "ip_vs_rr\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            no_api,
            "the API server https://192.168.99.100:8443 must answer: curl: (7) Failed to connect to 192.168.99.100 port 8443",
        ),
        (no_node, "Node k8s-node01 must exist in the cluster"),
        (other_binary, f"the binary must have the pinned SHA-256 {BINARY_SHA256}, has "),
        (no_binary, "run: pulumi up --target-replace '**k8s-node01-binary' --target-dependents"),
        (other_version, "the binary must be kube-proxy 1.36.1, reports '1.36.2'"),
        (
            refused_configuration,
            'kube-proxy 1.36.2 rejects the configuration: E1123 server.go:1] "Error" err="mode: Invalid value: userspace"',
        ),
        (
            misspelt_configuration,
            "kube-proxy 1.36.2 doesn't recognize a field of the configuration and would ignore it",
        ),
        (
            other_authority,
            "the API server https://192.168.99.100:8443 must answer: curl: (60) SSL certificate problem: unable to get local "
            "issuer certificate; check cluster.server, tlsServerName and proxyURL, certificateAuthority, and the node's network access",
        ),
        (clock_behind, "the node's clock must be right"),
        (clock_ahead, "the client certificate must be valid: it expired Thu Jan  1 00:00:01 UTC 1970"),
        (missing_module, "kernel module ip_vs_rr must load for mode ipvs"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_named_and_leaves_the_node_as_it_was(
    node: FakeNode, spoil: Callable[[FakeNode], None], message: str
) -> None:
    assert node.deploy().returncode == 0
    node.calls()
    before = node.live()
    spoil(node)
    done = node.run("stage")
    assert done.returncode == 1
    assert done.stderr.startswith("k8s-node01: stage: ")
    assert message in done.stderr
    assert node.live() == before
    assert node.calls() == []


def test_files_that_arrive_changed_are_refused(node: FakeNode) -> None:
    node.parameters["GENERATION"] = "0" * 64
    where = node.root / "run" / "stage"
    node.run("stage")
    (where / "files" / "kube-proxy.conf").write_text("KUBE_PROXY_ARGS=--v=10\n")

    done = subprocess.run(
        ["/bin/sh", "./stage.sh"],
        cwd=where,
        env={"PATH": "/usr/bin:/bin", "root": str(node.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the files must arrive intact" in done.stderr


def test_a_binary_is_downloaded_once(node: FakeNode) -> None:
    no_binary(node)
    node.parameters |= {"BINARY_SOURCE": "url", "BINARY_URL": "https://mirror.example/kube-proxy"}
    assert (
        "the binary must be downloadable from https://mirror.example/kube-proxy: curl: (22)" in node.run("stage").stderr
    )
    node.write("mirror", BINARY.decode())
    assert node.run("stage").returncode == 0
    node.path("/mirror").unlink()
    assert node.run("stage").returncode == 0
