"""A node that loses its power after any step of a stage has, when it is up again, one generation's files, entire."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripts import crash
from tests.scripts.fake_node import CONFIGURATION, PROGRAMS, RECORDED, FakeNode

OLD = {
    "kube-proxy-config.yaml": CONFIGURATION,
    "kube-proxy.conf": "KUBE_PROXY_ARGS=--v=2\n",
    "kube-proxy.service": "[Service]\n",
}
NEW = {
    "kube-proxy-config.yaml": CONFIGURATION + "oomScoreAdj: 1\n",
    "kube-proxy.conf": "KUBE_PROXY_ARGS=--v=4\n",
    "kube-proxy.service": "[Service]\n#\n",
}
FILES = {
    "kube-proxy-config.yaml": "etc/kubernetes/kube-proxy-config.yaml",
    "kube-proxy.conf": "etc/kubernetes/kube-proxy.conf",
    "kube-proxy.service": "usr/lib/systemd/system/kube-proxy.service",
}


@pytest.fixture
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the copies of a node are left."""
    return tmp_path_factory.mktemp("cut-off")


def boot(node: FakeNode) -> dict[str, str]:
    """What systemd does at a boot: loads the unit, runs its ExecStartPre, starts. Returns what the new process reads."""
    unit = node.path(FILES["kube-proxy.service"])
    if not (unit.exists() and node.path("/unit/enabled").exists()):
        return {}
    loaded = unit.read_text()
    node.script(node.path("/var/lib/kube-proxy-generations/recover"))
    node.write("/unit/active", "active\n")
    read = {name: node.path(path).read_text() for name, path in FILES.items() if name != "kube-proxy.service"}
    return read | {"kube-proxy.service": loaded}


def crashes(node: FakeNode, stage: str, to: Path, status: int = 0) -> Iterator[tuple[int, FakeNode]]:
    """Yields copies of a node, each cut off one step further into a stage."""
    node.path("/synced").unlink(missing_ok=True)
    before = crash.contents(node.root)
    node.copy(to / "0")
    path = crash.wrap(to.with_name(f"{to.name}-programs"), f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    done = node.run(stage, PATH=path, CUT_OFF=str(to))
    assert done.returncode == status, done.stderr
    steps = sorted(int(directory.name) for directory in to.iterdir())
    assert len(steps) > 5, "the stage changes something"
    for step in steps[1:]:
        copy = replace(node, root=to / str(step))
        crash.lose(copy.root, before)
        yield step, copy


def converges(node: FakeNode) -> bool:
    """Whether the next activation, as the next up runs it, brings the new generation."""
    return node.run("activate").returncode == 0 and boot(node) == NEW


def test_after_every_step_of_staging(node: FakeNode, cut_off: Path) -> None:
    node.files |= OLD
    assert node.deploy().returncode == 0
    live = node.live()
    node.files |= NEW
    for step, copy in crashes(node, "stage", cut_off):
        assert copy.live() == live, f"something live is touched at step {step}"
        assert boot(copy) == OLD
        assert copy.run("stage").returncode == 0, f"after step {step}"
        assert converges(copy), f"after step {step}"


@pytest.mark.parametrize("stage", ["stage", "activate"])
def test_what_a_stage_has_done_is_on_the_disk(node: FakeNode, stage: str) -> None:
    node.files |= OLD
    assert node.deploy().returncode == 0
    node.files |= NEW
    if stage == "activate":
        assert node.run("stage").returncode == 0
    node.path("/synced").unlink(missing_ok=True)
    before = crash.contents(node.root)
    assert node.run(stage).returncode == 0
    assert crash.unsynced(node.root, before) == []


def test_after_every_step_of_a_change(node: FakeNode, cut_off: Path) -> None:
    node.files |= OLD
    assert node.deploy().returncode == 0
    node.files |= NEW
    assert node.run("stage").returncode == 0
    survived = []
    for step, copy in crashes(node, "activate", cut_off):
        running = boot(copy)
        assert running in (OLD, NEW), f"a mixture after step {step}"
        assert converges(copy), f"after step {step}"
        survived.append("old" if running == OLD else "new")
    assert survived == sorted(survived, reverse=True), "old up to one step, new from there on"
    assert set(survived) == {"old", "new"}


def test_after_every_step_of_the_first_activation(node: FakeNode, cut_off: Path) -> None:
    node.files |= NEW
    assert node.run("stage").returncode == 0
    for step, copy in crashes(node, "activate", cut_off):
        assert boot(copy) in ({}, NEW), f"a mixture after step {step}"
        assert converges(copy), f"after step {step}"


def test_after_every_step_of_a_rollback(node: FakeNode, cut_off: Path) -> None:
    """The new generation never serves: whatever is cut off, the old one is what runs after the next try."""
    node.files |= OLD
    assert node.deploy().returncode == 0
    node.files |= NEW | {"kube-proxy-config.yaml": CONFIGURATION + "oomScoreAdj: 666\n"}
    assert node.run("stage").returncode == 0
    for step, copy in crashes(node, "activate", cut_off, status=1):
        boot(copy)
        assert copy.run("activate").returncode == 1
        assert boot(copy) == OLD, f"after step {step}"


def test_after_every_step_of_a_switch_of_modes(between_modes: FakeNode, cut_off: Path) -> None:
    """What the old mode had in the kernel is gone after the next activation, however far the first one came."""
    node = between_modes
    node.files |= OLD
    assert node.deploy().returncode == 0
    node.write("iptables", RECORDED)
    node.parameters["MODE"] = "iptables"
    node.files |= NEW | {"kube-proxy-config.yaml": CONFIGURATION.replace("ipvs", "iptables")}
    assert node.run("stage").returncode == 0
    for step, copy in crashes(node, "activate", cut_off):
        done = copy.run("activate")
        assert done.returncode == 0, f"after step {step}: {done.stderr}"
        assert not copy.path("kube-ipvs0").exists(), f"after step {step}"
        assert "KUBE-IPVS-FILTER" not in copy.path("iptables").read_text(), f"after step {step}"
        assert copy.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n", f"after step {step}"


def test_after_every_step_of_a_removal(between_modes: FakeNode, cut_off: Path) -> None:
    """At a boot in between kube-proxy runs as before or not at all; the next removal leaves nothing."""
    node = between_modes
    node.files |= OLD
    assert node.deploy().returncode == 0
    for step, copy in crashes(node, "remove", cut_off):
        assert boot(copy) in (OLD, {}), f"after step {step}"
        done = copy.run("remove")
        assert done.returncode == 0, f"after step {step}: {done.stderr}"
        assert copy.live() == {}, f"after step {step}"
        assert "KUBE-SERVICES" not in copy.path("iptables").read_text(), f"after step {step}"
        assert not copy.path("kube-ipvs0").exists(), f"after step {step}"
