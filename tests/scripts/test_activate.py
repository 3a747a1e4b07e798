"""Activation switches to the staged generation with at most one restart and proves that it serves."""

import os
import shutil
import subprocess
import time
from dataclasses import replace

import pytest

from components import report
from tests.scripts.fake_node import RESTART, STATE, FakeNode


def test_first_activation_installs_enables_starts_and_reports(node: FakeNode) -> None:
    done = node.deploy()
    assert {name: oct(mode) for name, (_, mode) in node.live_files().items()} == {
        "etc/kubernetes/kube-proxy.kubeconfig": "0o600",
        "etc/kubernetes/kube-proxy-config.yaml": "0o644",
        "etc/kubernetes/kube-proxy.conf": "0o644",
        "etc/modules-load.d/kube-proxy.conf": "0o644",
        "etc/systemd/network/00-kube-ipvs0.network": "0o644",
        "usr/lib/systemd/system/kube-proxy.service": "0o644",
        "usr/local/bin/kube-proxy": "0o755",
    }
    assert node.path("/opt/k8s/kube-proxy").is_dir()
    assert node.systemctl_calls() == [
        "enable --quiet kube-proxy.service",
        RESTART,
    ]
    assert report.parse("k8s-node01", done.stdout) | {"generation": ""} == {
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


def test_second_activation_changes_nothing_and_does_not_restart(node: FakeNode) -> None:
    node.deploy()
    node.systemctl_calls()
    before = node.live_files()
    assert "serves already, nothing to do" in node.deploy().stderr
    assert node.systemctl_calls() == []
    assert node.live_files() == before


@pytest.mark.parametrize(
    "name", ["kube-proxy.kubeconfig", "kube-proxy-config.yaml", "kube-proxy.conf", "kube-proxy.service"]
)
def test_changed_file_restarts_kube_proxy_once_and_the_message_names_it(node: FakeNode, name: str) -> None:
    node.deploy()
    node.systemctl_calls()
    node.files[name] += "# changed\n"
    assert f"k8s-node01: activate: restarting kube-proxy (changed: {name})\n" in node.deploy().stderr
    assert node.systemctl_calls().count(RESTART) == 1


@pytest.mark.parametrize("name", ["modules", "kube-ipvs0.network"])
def test_changed_file_that_is_read_at_boot_is_installed_without_a_restart(node: FakeNode, name: str) -> None:
    node.deploy()
    node.systemctl_calls()
    node.files[name] += "# changed\n"
    node.deploy()
    assert [text for text, _ in node.live_files().values() if "# changed" in text] == [node.files[name]]
    assert node.systemctl_calls() == []


@pytest.mark.parametrize("path", ["/etc/modules-load.d/kube-proxy.conf", "/etc/systemd/network/00-kube-ipvs0.network"])
def test_deleted_file_that_is_read_at_boot_is_restored_without_a_restart(node: FakeNode, path: str) -> None:
    node.deploy()
    node.systemctl_calls()
    before = node.live_files()
    node.path(path).unlink()
    node.succeed("activate")
    assert node.live_files() == before
    assert node.systemctl_calls() == []


def test_changed_mode_of_a_file_is_restored_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    node.systemctl_calls()
    node.path("/etc/kubernetes/kube-proxy.kubeconfig").chmod(0o644)
    node.succeed("activate")
    assert node.path("/etc/kubernetes/kube-proxy.kubeconfig").stat().st_mode & 0o777 == 0o600
    assert node.systemctl_calls() == []


def test_generation_with_a_new_name_and_unchanged_files_does_not_restart_kube_proxy(node: FakeNode) -> None:
    """A new version of this program may name generations differently. `binary` changes only the name."""
    node.deploy()
    before = node.live_files()
    node.systemctl_calls()
    node.files["binary"] += "renamed\n"
    done = node.deploy()
    assert len(node.generations()) == 2
    assert "serves already, nothing to do" in done.stderr
    assert node.live_files() == before
    assert node.systemctl_calls() == []


def test_stopped_kube_proxy_is_started_and_the_message_says_why(node: FakeNode) -> None:
    node.deploy()
    node.write("/unit/active", "inactive\n")
    assert "restarting kube-proxy (it was inactive)" in node.succeed("activate").stderr
    assert node.systemctl_calls().count(RESTART) == 2


def test_disabled_unit_is_enabled_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    node.systemctl_calls()
    node.path("/unit/enabled").unlink()
    node.succeed("activate")
    assert node.systemctl_calls() == ["enable --quiet kube-proxy.service"]


def test_kube_proxy_that_has_started_too_often_is_started_all_the_same(node: FakeNode) -> None:
    node.write("/unit/start-limit", "")
    node.deploy()


def test_interrupted_activation_is_completed_by_the_next(node: FakeNode) -> None:
    node.deploy()
    node.files["kube-proxy.conf"] += "# changed\n"
    node.succeed("stage")
    node.write(f"{STATE}/activating", "")
    node.write("/etc/kubernetes/kube-proxy.conf", node.files["kube-proxy.conf"])
    node.systemctl_calls()
    done = node.succeed("activate")
    assert "restarting kube-proxy (an earlier activation was interrupted)" in done.stderr
    assert node.systemctl_calls().count(RESTART) == 1


def test_activation_stages_a_generation_that_the_node_has_lost(node: FakeNode) -> None:
    node.deploy()
    shutil.rmtree(next(iter(node.generations())))
    done = node.succeed("activate")
    assert "stage: generation" in done.stderr
    assert "generation: " in done.stdout.partition("---")[2], "the report alone is on standard output"
    assert done.stdout.startswith("\n---")


def test_activation_fails_if_the_generation_can_not_be_staged(node: FakeNode) -> None:
    node.path("/api/k8s-node01").unlink()
    assert "k8s-node01: stage: " in node.fail("activate")
    assert node.live_files() == {}


def test_live_generation_and_the_one_before_are_kept_and_older_ones_deleted(node: FakeNode) -> None:
    for verbosity in range(2, 6):
        for path in node.generations() if node.path(STATE).exists() else []:
            for old in (*path.iterdir(), path):
                os.utime(old, (0, 0))
        node.files["kube-proxy.conf"] = f"KUBE_PROXY_ARGS=--v={verbosity}\n"
        node.deploy()
    assert sorted((path / "kube-proxy.conf").read_text() for path in node.generations()) == [
        "KUBE_PROXY_ARGS=--v=4\n",
        "KUBE_PROXY_ARGS=--v=5\n",
    ]
    with_keys = [path.name for path in node.generations() if (path / "kube-proxy.kubeconfig").exists()]
    assert with_keys == [node.path(f"{STATE}/live").read_text().strip()], "a key that was replaced is gone"


def test_generation_that_another_deployment_has_just_staged_is_kept(node: FakeNode) -> None:
    node.deploy()
    other = replace(node, files=node.files | {"kube-proxy.conf": "KUBE_PROXY_ARGS=--v=7\n"})
    other.succeed("stage")
    for verbosity in (3, 4):
        node.files["kube-proxy.conf"] = f"KUBE_PROXY_ARGS=--v={verbosity}\n"
        node.deploy()
    other.succeed("activate")
    assert node.path("/etc/kubernetes/kube-proxy.conf").read_text() == "KUBE_PROXY_ARGS=--v=7\n"


def test_two_deployments_never_interleave_on_a_node(node: FakeNode) -> None:
    node.deploy()
    lock, held, released = (
        node.path("/run/kube-proxy-generations.lock"),
        node.root / "held",
        node.root / "released",
    )
    with subprocess.Popen(["flock", lock, "sh", "-c", f"touch {held}; sleep 1; touch {released}"]):
        while not held.exists():
            time.sleep(0.01)
        node.succeed("activate")
        assert released.exists(), "the activation waited for the lock"


def test_no_other_user_can_hold_the_lock(node: FakeNode) -> None:
    node.deploy()
    assert node.path("/run/kube-proxy-generations.lock").stat().st_mode & 0o077 == 0
