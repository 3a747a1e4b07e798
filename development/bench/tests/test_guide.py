"""The guide's files mean the same to every contender that uses them."""

import io
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from development.bench import contenders, floor
from development.bench.contenders import CONTENDERS, Job

NODE = {"name": "n001", "address": "192.168.99.141", "hostKey": "ssh-ed25519 AAAA"}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(contenders, "_WORK", tmp_path)
    monkeypatch.setattr(contenders, "_kubeconfig", lambda server: f"server: {server}\n")
    CONTENDERS["floor"].configure(Job("https://192.168.99.121:6443", [NODE], Path("/id"), "31s"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_playbook_names_files_that_are_there(work: Path) -> None:
    [play] = yaml.safe_load((work / "kube-proxy.service.yaml").read_text())
    sources = [task[module]["src"] for task in play["tasks"] for module in ("copy", "template") if module in task]
    assert len(sources) == 4
    assert all((work / source).exists() for source in sources)


def test_floor_sends_complete_files(work: Path) -> None:
    [node] = json.loads((work / "nodes.json").read_text())
    with tarfile.open(fileobj=io.BytesIO(floor.archive(node))) as archive:
        files = {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    assert set(files) == {
        "kube-proxy.kubeconfig",
        "kube-proxy-config.yaml",
        "kube-proxy.conf",
        "kube-proxy.service",
        "floor.sh",
    }
    assert not any("{{" in text for text in files.values())
    configuration = yaml.safe_load(files["kube-proxy-config.yaml"])
    assert configuration["hostnameOverride"] == "n001"
    assert configuration["healthzBindAddress"] == "192.168.99.141:10256"
    assert configuration["nftables"] == {"syncPeriod": "31s"}


def test_inventories_pin_the_host_key(work: Path) -> None:
    assert (work / "known_hosts").read_text() == "192.168.99.141 ssh-ed25519 AAAA\n"
    group = yaml.safe_load((work / "inventory.yaml").read_text())["k8s-workers"]
    assert group["hosts"] == {"n001": {"ansible_host": "192.168.99.141"}}
    assert str(work / "known_hosts") in group["vars"]["ansible_ssh_common_args"]
