"""After a power failure at any step of a stage the node boots with the complete files of one generation."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scripts import crash, handover
from tests.scripts.fake_node import CONFIGURATION, IP_VS, PROGRAMS, RECORDED, STATE, FakeNode

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
}


@pytest.fixture
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for the copies of a node."""
    return tmp_path_factory.mktemp("cut-off")


def boot(node: FakeNode) -> dict[str, str]:
    """Boots as systemd does: loads the unit, runs its ExecStartPre, starts it. Returns the files that kube-proxy reads."""
    unit = node.path(f"{node.parameters['UNIT_DIRECTORY']}/kube-proxy.service")
    if not (unit.exists() and node.path("/unit/enabled").exists()):
        return {}
    loaded = unit.read_text()
    node.run_installed(node.path(f"{STATE}/recover"))
    node.write("/unit/active", "active\n")
    return {name: node.path(path).read_text() for name, path in FILES.items()} | {"kube-proxy.service": loaded}


def use_other_directories(node: FakeNode) -> None:
    """The stack has chosen where unit and binary are, as for a read-only /usr."""
    node.path("/etc/systemd/system").mkdir(parents=True)
    node.parameters |= {"UNIT_DIRECTORY": "/etc/systemd/system", "BINARY_DIRECTORY": "/opt/bin"}
    node.write("started-binary", "/opt/bin/kube-proxy")


def power_failures(node: FakeNode, stage: str, to: Path, status: int = 0) -> Iterator[tuple[int, FakeNode]]:
    """Runs a stage and yields a copy of the node after each of its steps, as a power failure leaves it.

    Steps that leave what an earlier one left are passed over.
    """
    node.path("/synced").unlink(missing_ok=True)
    before = crash.contents(node.root)
    node.copy(to / "0")
    path = crash.wrap(to.with_name(f"{to.name}-programs"), f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    done = node.run(stage, PATH=path, CUT_OFF=str(to))
    assert done.returncode == status, done.stderr
    steps = sorted(int(directory.name) for directory in to.iterdir())
    assert len(steps) > 5, "the stage must change something"
    seen: list[dict[str, object]] = []
    for step in steps[1:]:
        copy = replace(node, root=to / str(step))
        crash.lose_unsynced(copy.root, before)
        if (left := crash.left(copy.root)) not in seen:
            seen.append(left)
            yield step, copy


def next_activation_succeeds(node: FakeNode) -> bool:
    """Whether the next `pulumi up` makes the new generation live."""
    return node.run("activate").returncode == 0 and boot(node) == NEW


def test_power_failure_while_staging_changes_nothing_live(node: FakeNode, cut_off: Path) -> None:
    node.files |= OLD
    node.deploy()
    live = node.live_files()
    node.files |= NEW
    for step, copy in power_failures(node, "stage", cut_off):
        assert copy.live_files() == live, f"something live changed at step {step}"
        assert boot(copy) == OLD
        assert copy.run("stage").returncode == 0, f"after step {step}"
        assert next_activation_succeeds(copy), f"after step {step}"


@pytest.mark.parametrize("stage", ["stage", "activate"])
def test_stage_syncs_every_file_that_it_writes(node: FakeNode, stage: str) -> None:
    node.files |= OLD
    node.deploy()
    node.files |= NEW
    if stage == "activate":
        node.succeed("stage")
    node.path("/synced").unlink(missing_ok=True)
    before = crash.contents(node.root)
    node.succeed(stage)
    assert crash.unsynced(node.root, before) == []


@pytest.mark.parametrize("directories", ["default", "other"])
def test_power_failure_while_activating_leaves_the_old_or_the_new_generation(
    node: FakeNode, cut_off: Path, directories: str
) -> None:
    if directories == "other":
        use_other_directories(node)
    node.files |= OLD
    node.deploy()
    node.files |= NEW
    node.succeed("stage")
    survived = []
    for step, copy in power_failures(node, "activate", cut_off):
        running = boot(copy)
        assert running in (OLD, NEW), f"a mixture after step {step}"
        assert next_activation_succeeds(copy), f"after step {step}"
        survived.append("old" if running == OLD else "new")
    assert survived == sorted(survived, reverse=True), "the old generation up to one step, the new one after it"
    assert set(survived) == {"old", "new"}


@pytest.mark.parametrize("directories", ["default", "other"])
def test_power_failure_in_the_first_activation_leaves_nothing_or_the_new_generation(
    node: FakeNode, cut_off: Path, directories: str
) -> None:
    if directories == "other":
        use_other_directories(node)
    node.files |= NEW
    node.succeed("stage")
    for step, copy in power_failures(node, "activate", cut_off):
        assert boot(copy) in ({}, NEW), f"a mixture after step {step}"
        assert next_activation_succeeds(copy), f"after step {step}"
        copy.succeed("remove")
        assert copy.live_files() == {}, f"after step {step}"
        assert not copy.path("/opt").exists() or list(copy.path("/opt").iterdir()) == [], f"after step {step}"


def test_power_failure_while_rolling_back_still_ends_with_the_old_generation(node: FakeNode, cut_off: Path) -> None:
    """The new generation never serves, so the old one must be live after the next attempt."""
    node.files |= OLD
    node.deploy()
    broken = NEW | {"kube-proxy-config.yaml": CONFIGURATION + "oomScoreAdj: 666\n"}
    node.files |= broken
    node.succeed("stage")
    for step, copy in power_failures(node, "activate", cut_off, status=1):
        assert boot(copy) in (OLD, broken), f"a mixture after step {step}"
        assert copy.run("activate").returncode == 1
        assert boot(copy) == OLD, f"after step {step}"


def test_power_failure_while_changing_the_mode_leaves_no_old_rules_after_the_next_activation(
    between_modes: FakeNode, cut_off: Path
) -> None:
    node = between_modes
    node.files |= OLD
    node.deploy()
    node.write("iptables", RECORDED)
    node.parameters["MODE"] = "iptables"
    node.files |= NEW | {"kube-proxy-config.yaml": CONFIGURATION.replace("ipvs", "iptables")}
    node.succeed("stage")
    for step, copy in power_failures(node, "activate", cut_off):
        done = copy.run("activate")
        assert done.returncode == 0, f"after step {step}: {done.stderr}"
        assert not copy.path("kube-ipvs0").exists(), f"after step {step}"
        assert "KUBE-IPVS-FILTER" not in copy.path("iptables").read_text(), f"after step {step}"
        assert copy.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n", f"after step {step}"


@pytest.mark.parametrize(("before", "after"), [("nftables", "ipvs"), ("ipvs", "nftables")])
def test_activation_killed_while_it_hands_over_leaves_nothing_of_that(
    node: FakeNode, cut_off: Path, before: str, after: str
) -> None:
    """Neither after the guard's next look nor after the next activation. Live rules stay."""
    node.write("table", handover.TABLE)
    node.write("table6", "")
    node.write("tables", "table ip kube-proxy\ntable ip6 kube-proxy\n" if before == "nftables" else "")
    for mode in (before, after):
        node.parameters |= {"MODE": mode, "DRAIN": "0"}
        node.files |= NEW | {"kube-proxy-config.yaml": CONFIGURATION.replace("ipvs", mode)}
        if mode == before:
            node.deploy()
    node.write("kube-ipvs0", "10.0.0.1\n")
    node.write("/proc/net/ip_vs", IP_VS)
    node.succeed("stage")
    for step, copy in power_failures(node, "activate", cut_off):
        guarded = copy.copy(copy.root.with_name(f"{step}-guarded"))
        guarded.run_installed(guarded.path(f"{STATE}/recover"), "handover")
        assert handover.live_tables(guarded) == handover.live_tables(copy), f"after step {step}"
        assert handover.left(guarded) == [], f"after step {step}"
        done = copy.run("activate")
        assert done.returncode == 0, f"after step {step}: {done.stderr}"
        assert handover.left(copy) == [], f"after step {step}"


def test_power_failure_while_removing_is_completed_by_the_next_removal(between_modes: FakeNode, cut_off: Path) -> None:
    """If the node boots in between, kube-proxy runs as before or not at all."""
    node = between_modes
    node.files |= OLD
    node.deploy()
    for step, copy in power_failures(node, "remove", cut_off):
        assert boot(copy) in (OLD, {}), f"after step {step}"
        done = copy.run("remove")
        assert done.returncode == 0, f"after step {step}: {done.stderr}"
        assert copy.live_files() == {}, f"after step {step}"
        assert "KUBE-SERVICES" not in copy.path("iptables").read_text(), f"after step {step}"
        assert not copy.path("kube-ipvs0").exists(), f"after step {step}"
