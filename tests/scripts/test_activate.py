"""Activation switches to the staged generation with at most one restart, proves it, or puts back what was there."""

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from components import report
from tests.scripts.fake_node import FakeNode

STATE = "/var/lib/kube-proxy-generations"
RESTART = "restart kube-proxy.service"


def test_the_first_activation_installs_enables_starts_and_proves(node: FakeNode) -> None:
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    assert {name: oct(mode) for name, (_, mode) in node.live().items()} == {
        "etc/kubernetes/kube-proxy.kubeconfig": "0o600",
        "etc/kubernetes/kube-proxy-config.yaml": "0o644",
        "etc/kubernetes/kube-proxy.conf": "0o644",
        "etc/modules-load.d/kube-proxy.conf": "0o644",
        "etc/systemd/network/00-kube-ipvs0.network": "0o644",
        "usr/lib/systemd/system/kube-proxy.service": "0o644",
        "usr/local/bin/kube-proxy": "0o755",
    }
    assert node.path("/opt/k8s/kube-proxy").is_dir()
    assert node.calls() == [
        "daemon-reload",
        "enable --quiet kube-proxy.service",
        "reset-failed kube-proxy.service",
        RESTART,
    ]
    assert report.parse(done.stdout) | {"generation": ""} == {
        "generation": "",
        "active": True,
        "enabled": True,
        "version": "1.36.2",
        "mode": "ipvs",
        "listeners": ["192.168.99.101:10256", "192.168.99.101:10249"],
        "kubernetesService": "10.0.0.1:443",
        "request": "answered",
        "virtualServers": [
            {"server": "TCP 10.0.0.1:443 rr", "realServers": ["192.168.99.121:6443", "192.168.99.122:6443"]}
        ],
    }


def test_a_second_activation_changes_and_restarts_nothing(node: FakeNode) -> None:
    node.deploy()
    node.calls()
    before = node.live()
    done = node.deploy()
    assert done.returncode == 0
    assert "serves already, nothing to do" in done.stderr
    assert node.calls() == []
    assert node.live() == before


@pytest.mark.parametrize(
    "name", ["kube-proxy.kubeconfig", "kube-proxy-config.yaml", "kube-proxy.conf", "kube-proxy.service"]
)
def test_a_changed_file_restarts_once_and_says_why(node: FakeNode, name: str) -> None:
    node.deploy()
    node.calls()
    node.files[name] += "# changed\n"
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    assert f"k8s-node01: activate: restarting kube-proxy (changed: {name})\n" in done.stderr
    assert node.calls().count(RESTART) == 1


@pytest.mark.parametrize("path", ["/etc/modules-load.d/kube-proxy.conf", "/etc/systemd/network/00-kube-ipvs0.network"])
def test_a_file_that_is_read_at_a_boot_is_put_back_without_a_restart(node: FakeNode, path: str) -> None:
    node.deploy()
    node.calls()
    before = node.live()
    node.path(path).unlink()
    done = node.run("activate")
    assert done.returncode == 0, done.stderr
    assert node.live() == before
    assert node.calls() == []


def test_a_generation_with_a_new_name_and_the_same_files_restarts_nothing(node: FakeNode) -> None:
    """As where a version of this program gives a generation another name: "binary" counts for the name alone."""
    node.deploy()
    before = node.live()
    node.calls()
    node.files["binary"] += "renamed\n"
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    assert len(generations(node)) == 2
    assert "serves already, nothing to do" in done.stderr
    assert node.live() == before
    assert node.calls() == []


@pytest.mark.parametrize("name", ["modules", "kube-ipvs0.network"])
def test_a_changed_file_that_is_read_at_a_boot_is_installed_without_a_restart(node: FakeNode, name: str) -> None:
    node.deploy()
    node.calls()
    node.files[name] += "# changed\n"
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    assert [text for text, _ in node.live().values() if "# changed" in text] == [node.files[name]]
    assert node.calls() == []


def test_a_service_address_that_somebody_takes_off_kube_ipvs0_is_no_success(node: FakeNode) -> None:
    """The node's own request to the Service is answered all the same, its pods' requests are not."""
    node.write("/kube-ipvs0", "10.0.0.10\n")
    done = node.deploy()
    assert done.returncode == 1
    assert "kube-ipvs0 must have the Service address 10.0.0.1, or pods can't reach the Service" in done.stderr


def test_one_request_that_is_lost_once_it_serves_is_no_failure(node: FakeNode) -> None:
    node.parameters["MIN_READY"] = "1"
    node.write("unanswered", "2")
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    assert len(node.path("tried").read_text().splitlines()) == 3


def test_a_changed_mode_of_a_file_is_mended_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    node.calls()
    node.path("/etc/kubernetes/kube-proxy.kubeconfig").chmod(0o644)
    assert node.run("activate").returncode == 0
    assert node.path("/etc/kubernetes/kube-proxy.kubeconfig").stat().st_mode & 0o777 == 0o600
    assert node.calls() == []


def test_an_interrupted_activation_is_finished_by_the_next(node: FakeNode) -> None:
    node.deploy()
    node.files["kube-proxy.conf"] += "# changed\n"
    assert node.run("stage").returncode == 0
    node.write(f"{STATE}/activating", "")
    node.write("/etc/kubernetes/kube-proxy.conf", node.files["kube-proxy.conf"])
    node.calls()
    done = node.run("activate")
    assert done.returncode == 0, done.stderr
    assert "restarting kube-proxy (an earlier activation was interrupted)" in done.stderr
    assert node.calls().count(RESTART) == 1


def test_an_unstaged_generation_is_refused(node: FakeNode) -> None:
    done = node.run("activate")
    assert done.returncode == 1
    assert "run: pulumi up --target-replace '**k8s-node01-stage' --target-dependents" in done.stderr


def test_the_generation_before_stays_and_older_ones_go(node: FakeNode) -> None:
    for verbosity in range(2, 6):
        for path in generations(node):
            os.utime(path, (0, 0))
        node.files["kube-proxy.conf"] = f"KUBE_PROXY_ARGS=--v={verbosity}\n"
        assert node.deploy().returncode == 0
    assert sorted((path / "kube-proxy.conf").read_text() for path in generations(node)) == [
        "KUBE_PROXY_ARGS=--v=4\n",
        "KUBE_PROXY_ARGS=--v=5\n",
    ]


def test_what_another_operator_has_just_staged_stays(node: FakeNode) -> None:
    node.deploy()
    other = replace(node, files=node.files | {"kube-proxy.conf": "KUBE_PROXY_ARGS=--v=7\n"})
    assert other.run("stage").returncode == 0
    for verbosity in (3, 4):
        node.files["kube-proxy.conf"] = f"KUBE_PROXY_ARGS=--v={verbosity}\n"
        assert node.deploy().returncode == 0
    assert other.run("activate").returncode == 0
    assert node.path("/etc/kubernetes/kube-proxy.conf").read_text() == "KUBE_PROXY_ARGS=--v=7\n"


def generations(node: FakeNode) -> list[Path]:
    return [path for path in node.path(STATE).iterdir() if len(path.name) == 64]


def test_removal_leaves_nothing_of_ours(node: FakeNode) -> None:
    node.deploy()
    node.calls()
    done = node.run("remove")
    assert done.returncode == 0, done.stderr
    assert node.live() == {}
    assert not node.path(STATE).exists()
    assert not node.path("/opt/k8s").exists()
    assert "kube-proxy is stopped and disabled, its files and rules are removed\n" in done.stderr
    assert node.calls() == [
        "disable --quiet --now kube-proxy.service",
        "daemon-reload",
        "reset-failed kube-proxy.service",
    ]
    assert node.run("remove").returncode == 0, "again, it has nothing to do"


def test_removal_gives_an_own_binary_back(node: FakeNode) -> None:
    node.write("/usr/local/bin/kube-proxy", "#!/bin/sh\necho own\n")
    node.deploy()
    assert node.run("remove").returncode == 0
    assert node.live() == {"usr/local/bin/kube-proxy": ("#!/bin/sh\necho own\n", 0o644)}


def test_removal_under_an_old_name_leaves_the_renamed_node_alone(node: FakeNode) -> None:
    node.deploy()
    before = node.live()
    node.parameters["NODE"] = "k8s-node01-old"
    done = node.run("remove")
    assert done.returncode == 0
    assert "this host now serves as node k8s-node01: nothing was removed" in done.stderr
    assert node.live() == before


def test_two_runs_never_interleave_on_a_node(node: FakeNode) -> None:
    node.deploy()
    lock, released = node.path("/run/lock/kube-proxy-generations.lock"), node.root / "released"
    held = node.root / "held"
    with subprocess.Popen(["flock", lock, "sh", "-c", f"touch {held}; sleep 1; touch {released}"]):
        while not held.exists():
            time.sleep(0.01)
        assert node.run("activate").returncode == 0
        assert released.exists(), "it waited for the other run"
