"""What was on a node before the first generation is taken over with one restart, and comes back on removal exactly as it was."""

import os
import shutil
from pathlib import Path

import pytest

from tests.scripts.fake_node import CONFIGURATION, RESTART, STATE, FakeNode
from tests.scripts.test_crash import power_failures

UNIT = "/usr/lib/systemd/system/kube-proxy.service"
HIDING = "/etc/systemd/system/kube-proxy.service"
FILES = {
    "/etc/kubernetes/kube-proxy.kubeconfig": "client-key-data: theirs\n",
    "/etc/kubernetes/kube-proxy-config.yaml": "mode: ipvs\n",
    "/etc/kubernetes/kube-proxy.conf": "KUBE_PROXY_ARGS=--config=/etc/kubernetes/kube-proxy-config.yaml\n",
    "/etc/modules-load.d/kube-proxy.conf": "nf_conntrack\nip_vs\nip_vs_rr\n",  # as the stack has it; its mode isn't
    "/usr/local/bin/kube-proxy": "#!/bin/sh\necho Kubernetes v1.30.0\n",
    UNIT: "[Service]\nExecStart=/usr/local/bin/kube-proxy\n",
}


@pytest.fixture
def guide(node: FakeNode) -> FakeNode:
    """A node whose kube-proxy was set up by hand at the paths of the guide, and runs."""
    for path, text in FILES.items():
        node.write(path, text)
        node.path(path).chmod(0o640)
    node.write("/unit/enabled", "")
    node.write("/unit/active", "active\n")
    node.write("/unit/loaded", FILES[UNIT])
    node.write("/unit/configuration", FILES["/etc/kubernetes/kube-proxy-config.yaml"])
    return node


def files(node: FakeNode) -> dict[str, tuple[str, object]]:
    """Returns each file in /etc and /usr with its content and mode, or the target of a symbolic link."""
    return {
        str(path.relative_to(node.root)): ("link", str(path.readlink()))
        if path.is_symlink()
        else (path.read_text(), path.stat().st_mode & 0o777)
        for top in ("etc", "usr")
        for path in sorted((node.root / top).rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_one_restart_takes_over(guide: FakeNode) -> None:
    guide.deploy()
    assert guide.systemctl_calls().count(RESTART) == 1


def test_removal_puts_everything_back_and_starts_it_again(guide: FakeNode) -> None:
    before = files(guide)
    guide.deploy()
    guide.files["kube-proxy.conf"] = "KUBE_PROXY_ARGS=--v=5\n"
    guide.deploy()
    guide.systemctl_calls()
    messages = guide.succeed("remove").stderr
    assert files(guide) == before
    assert guide.systemctl_calls()[1:] == [
        "daemon-reload",
        "reset-failed kube-proxy.service",
        "enable --quiet kube-proxy.service",
        "start kube-proxy.service",
    ]
    assert "the kube-proxy from before the first deployment runs again" in messages
    assert not list(guide.path(STATE).parent.glob("kube-proxy-generations*"))


def test_modules_that_only_the_file_of_before_loads_give_a_warning(guide: FakeNode) -> None:
    guide.write("/etc/modules-load.d/kube-proxy.conf", "# theirs\nbr_netfilter\nip-vs\n")
    assert guide.preflight_messages()[0] == (
        "warning: /etc/modules-load.d/kube-proxy.conf, which this program replaces, loads br_netfilter: if other programs need "
        "it, name it in another file of /etc/modules-load.d"
    )
    guide.deploy()
    assert not [message for message in guide.preflight_messages() if "br_netfilter" in message]


def lose_state(node: FakeNode) -> None:
    """Forgets the first deployment: what is live is then what was there before."""
    for kept in ("live", "original", "paths", "node", "stack"):
        path = node.path(f"{STATE}/{kept}")
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    node.systemctl_calls()


def test_what_is_as_the_stack_means_already_is_kept_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    before = files(node)
    lose_state(node)
    assert "serves already, nothing to do" in node.deploy().stderr
    assert node.systemctl_calls() == []
    node.succeed("remove")
    assert files(node) == before
    assert node.path("/unit/active").read_text() == "active\n"


def test_what_does_not_serve_is_left_as_it_was_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    node.path("/etc/kubernetes/kube-proxy.conf").chmod(0o640)
    before = files(node)
    lose_state(node)
    node.write("/proc/net/ip_vs", "")
    assert "kube-proxy was not restarted and runs as before" in node.fail_to_deploy()
    assert RESTART not in node.systemctl_calls()
    assert files(node) == before
    assert not node.path(f"{STATE}/original").exists()


def test_file_that_differs_in_its_mode_only_gets_the_right_one_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    lose_state(node)
    changed = dict.fromkeys((UNIT, "/usr/local/bin/kube-proxy", "/etc/kubernetes/kube-proxy-config.yaml"), 0o640)
    for path, mode in changed.items():
        node.path(path).chmod(mode)
    before = files(node)
    node.deploy()
    assert RESTART not in node.systemctl_calls()
    assert [node.path(path).stat().st_mode & 0o777 for path in changed] == [0o644, 0o755, 0o644]
    node.succeed("remove")
    assert files(node) == before


def test_one_that_did_not_run_is_not_started_by_a_removal(guide: FakeNode) -> None:
    guide.path("/unit/enabled").unlink()
    guide.write("/unit/active", "inactive\n")
    guide.deploy()
    guide.succeed("remove")
    assert guide.path("/unit/active").read_text() == "inactive\n"
    assert not guide.path("/unit/enabled").exists()


def test_directories_that_were_there_stay(node: FakeNode) -> None:
    node.path("/etc/kubernetes").mkdir(parents=True)
    node.path("/opt/k8s").mkdir(parents=True)
    node.deploy()
    node.succeed("remove")
    assert node.path("/etc/kubernetes").is_dir()
    assert list(node.path("/opt/k8s").iterdir()) == []


def test_failed_first_activation_puts_everything_back(guide: FakeNode) -> None:
    before = files(guide)
    guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    guide.fail_to_deploy()
    assert files(guide) == before
    assert not guide.path(f"{STATE}/original").exists(), "they may change before the next attempt"


class TestLinks:
    @pytest.mark.parametrize("path", [*FILES])
    def test_symbolic_link_is_replaced_and_comes_back(self, guide: FakeNode, path: str) -> None:
        theirs = guide.path(f"/opt/theirs/{Path(path).name}")
        theirs.parent.mkdir(parents=True)
        guide.path(path).rename(theirs)
        guide.path(path).symlink_to(theirs)
        content, mode, before = theirs.read_text(), theirs.stat().st_mode, files(guide)
        guide.deploy()
        assert not guide.path(path).is_symlink()
        assert (theirs.read_text(), theirs.stat().st_mode) == (content, mode)
        good = dict(guide.files)
        guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
        guide.fail_to_deploy()
        guide.files = good
        guide.succeed("remove")
        assert files(guide) == before

    def test_dangling_link_comes_back(self, node: FakeNode) -> None:
        node.path("/etc/kubernetes").mkdir()
        node.path("/etc/kubernetes/kube-proxy.conf").symlink_to("nowhere")
        node.deploy()
        node.succeed("remove")
        assert node.path("/etc/kubernetes/kube-proxy.conf").readlink() == Path("nowhere")

    def test_link_to_the_generations_own_content_is_replaced_without_a_restart(self, node: FakeNode) -> None:
        node.deploy()
        live = node.path("/etc/kubernetes/kube-proxy.conf")
        live.rename(node.path("/etc/theirs"))
        live.symlink_to(node.path("/etc/theirs"))
        node.systemctl_calls()
        node.deploy()
        assert not live.is_symlink()
        assert node.systemctl_calls() == []

    def test_file_with_two_names_keeps_both(self, guide: FakeNode) -> None:
        other = guide.path("/opt/kube-proxy")
        other.parent.mkdir()
        os.link(guide.path("/usr/local/bin/kube-proxy"), other)
        guide.deploy()
        assert other.read_text() == FILES["/usr/local/bin/kube-proxy"]
        guide.succeed("remove")
        assert guide.path("/usr/local/bin/kube-proxy").samefile(other)


class TestHidingUnit:
    """A unit in /etc/systemd/system wins over ours."""

    @pytest.fixture
    def hidden(self, guide: FakeNode) -> FakeNode:
        guide.path(HIDING).parent.mkdir(parents=True)
        guide.path(UNIT).rename(guide.path(HIDING))
        guide.parameters["TAKE_OVER"] = "true"
        return guide

    def test_needs_the_stacks_consent(self, hidden: FakeNode) -> None:
        hidden.parameters["TAKE_OVER"] = "false"
        before = files(hidden)
        message = (
            f"systemd must use {UNIT} for kube-proxy.service, uses {HIDING}: to let this program take it over, set takeOver: "
            "true in kube-proxy:rollout (the file is kept, and comes back on removal)"
        )
        assert hidden.problems()[0] == message
        assert message in hidden.fail_to_deploy()
        assert files(hidden) == before
        assert hidden.systemctl_calls() == []

    def test_is_moved_away_with_one_restart_and_comes_back(self, hidden: FakeNode) -> None:
        before = files(hidden)
        message = f"note: takes over kube-proxy.service from {HIDING}, which is kept and comes back on removal"
        assert hidden.preflight_messages()[0] == message
        hidden.deploy()
        assert not hidden.path(HIDING).exists()
        calls = hidden.systemctl_calls()
        assert calls.count(RESTART) == 1
        assert "enable --quiet --force kube-proxy.service" in calls
        hidden.deploy()
        assert hidden.systemctl_calls() == []
        hidden.succeed("remove")
        assert files(hidden) == before

    def test_must_be_removable(self, hidden: FakeNode) -> None:
        hidden.write("/proc/self/mountinfo", f"36 29 8:1 /x {HIDING} rw - ext4 /dev/vda1 rw\n")
        assert f"{HIDING} must be replaceable, is a mount point: run umount {HIDING}" in hidden.problems()

    def test_comes_back_if_the_first_generation_does_not_serve(self, hidden: FakeNode) -> None:
        before = files(hidden)
        hidden.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
        hidden.fail_to_deploy()
        assert files(hidden) == before

    @pytest.mark.parametrize("systemd", ["245", "252"])
    def test_that_is_linked_is_unlinked_and_linked_again(self, hidden: FakeNode, systemd: str) -> None:
        """systemctl link. Before version 246, systemd shows where the link leads to."""
        hidden.write("systemd-version", systemd)
        theirs = hidden.path("/opt/theirs/kube-proxy.service")
        theirs.parent.mkdir(parents=True)
        hidden.path(HIDING).rename(theirs)
        hidden.path(HIDING).symlink_to(theirs)
        before, content = files(hidden), theirs.read_text()
        hidden.deploy()
        assert not hidden.path(HIDING).is_symlink()
        assert theirs.read_text() == content
        hidden.succeed("remove")
        assert files(hidden) == before

    def test_alias_of_another_unit_is_refused_before_anything_changes(self, guide: FakeNode) -> None:
        guide.write("shown-unit", "/etc/systemd/system/kubernetes-proxy.service")
        guide.parameters["TAKE_OVER"] = "true"
        message = "kube-proxy.service must be a unit of its own, is an alias of /etc/systemd/system/kubernetes-proxy.service: "
        before = files(guide)
        assert guide.problems()[0].startswith(message)
        assert message in guide.fail_to_deploy()
        assert files(guide) == before
        assert guide.systemctl_calls() == []

    @pytest.mark.parametrize("first", ["node", "hidden"])
    def test_that_appears_later_is_kept_too(self, request: pytest.FixtureRequest, first: str) -> None:
        node: FakeNode = request.getfixturevalue(first)
        node.deploy()
        node.write(HIDING, "[Service]\n# later\n")
        node.parameters["TAKE_OVER"] = "true"
        assert f"it ran by {HIDING}" in node.deploy().stderr
        assert not node.path(HIDING).exists()
        node.succeed("remove")
        assert node.path(HIDING).read_text() == "[Service]\n# later\n"


class TestLinksOfTargets:
    """The targets that start the unit at boot: not only those of its own [Install], which enable makes again."""

    LINKS = (
        "/etc/systemd/system/basic.target.wants/kube-proxy.service",
        "/etc/systemd/system/a.target.requires/kube-proxy.service",
    )

    @pytest.fixture(params=["enabled", "not enabled"])
    def linked(self, guide: FakeNode, request: pytest.FixtureRequest) -> FakeNode:
        for link in self.LINKS:
            guide.path(link).parent.mkdir(parents=True)
            guide.path(link).symlink_to(UNIT)
        guide.path("/etc/systemd/system/multi-user.target.wants").mkdir()
        guide.write(UNIT, f"{FILES[UNIT]}[Install]\nWantedBy=basic.target\n")
        guide.write("/unit/loaded", guide.path(UNIT).read_text())
        if request.param != "enabled":
            guide.path("/unit/enabled").unlink()
        return guide

    def test_come_back_on_removal(self, linked: FakeNode) -> None:
        before = files(linked)
        linked.deploy()
        assert linked.path("/etc/systemd/system/multi-user.target.wants/kube-proxy.service").is_symlink()
        linked.succeed("remove")
        assert files(linked) == before

    def test_come_back_in_a_rollback(self, linked: FakeNode) -> None:
        before = files(linked)
        linked.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
        linked.fail_to_deploy()
        assert files(linked) == before

    @pytest.mark.parametrize("unit", [UNIT, HIDING])
    @pytest.mark.parametrize("serves", [True, False])
    def test_of_install_that_was_not_there_is_gone_again(self, guide: FakeNode, unit: str, serves: bool) -> None:
        """systemctl add-wants with another target. It makes the unit an enabled one, and enable makes those of [Install]."""
        guide.path("/etc/systemd/system/multi-user.target.wants").mkdir(parents=True)
        guide.path(UNIT).rename(guide.path(unit))
        guide.path(self.LINKS[0]).parent.mkdir()
        guide.path(self.LINKS[0]).symlink_to(unit)
        guide.parameters["TAKE_OVER"] = "true"
        before = files(guide)
        if serves:
            guide.deploy()
            guide.succeed("remove")
        else:
            guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
            guide.fail_to_deploy()
        assert files(guide) == before


@pytest.mark.parametrize(
    "theirs", ["mode: ipvs # of 2019\n", "mode: iptables\n", "mode: userspace\n", "mode: 'ipvs'\n---\nmode: iptables\n"]
)
def test_rollback_keeps_the_rules_of_a_kube_proxy_whose_file_does_not_prove_its_mode(
    guide: FakeNode, theirs: str
) -> None:
    """The file may be one that no process reads."""
    guide.write("/etc/kubernetes/kube-proxy-config.yaml", theirs)
    guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    rules = guide.path("/proc/net/ip_vs").read_text()
    guide.fail_to_deploy()
    assert guide.path("/proc/net/ip_vs").read_text() == rules


def test_rollback_counts_no_start_of_ours_for_the_previous_unit(guide: FakeNode) -> None:
    """Its limit of starts may reboot the node (StartLimitAction)."""
    guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    guide.fail_to_deploy()
    assert guide.systemctl_calls()[-2:] == ["reset-failed kube-proxy.service", RESTART]


class TestPowerFailures:
    def test_first_activation_is_completed_by_the_next(
        self, guide: FakeNode, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        before = files(guide)
        guide.succeed("stage")
        for step, copy in power_failures(guide, "activate", tmp_path_factory.mktemp("cut-off")):
            assert copy.run("activate").returncode == 0, f"after step {step}"
            copy.succeed("remove")
            assert files(copy) == before, f"after step {step}"

    def test_first_activation_of_what_does_not_serve_is_undone_by_the_next(
        self, guide: FakeNode, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        before = files(guide)
        guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
        guide.succeed("stage")
        for step, copy in power_failures(guide, "activate", tmp_path_factory.mktemp("cut-off"), status=1):
            copy.fail("activate")
            assert files(copy) == before, f"after step {step}"
            kept = {path.name for path in copy.path(STATE).iterdir()}
            assert not kept & {"live", "original", "activating"}, f"after step {step}"

    def test_before_the_first_generation_is_recorded_forgets_nothing(self, guide: FakeNode) -> None:
        """The next generation may not serve."""
        before = files(guide)
        guide.deploy()
        guide.path(f"{STATE}/live").unlink()
        good, served = dict(guide.files), files(guide)
        guide.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
        guide.fail_to_deploy()
        assert files(guide) == served
        guide.files = good
        guide.deploy()
        guide.succeed("remove")
        assert files(guide) == before

    def test_removal_is_completed_by_the_next(self, guide: FakeNode, tmp_path_factory: pytest.TempPathFactory) -> None:
        before = files(guide)
        guide.deploy()
        for step, copy in power_failures(guide, "remove", tmp_path_factory.mktemp("cut-off")):
            if copy.path(STATE).exists():
                copy.succeed("remove")
            assert files(copy) == before, f"after step {step}"


class TestTwoStacks:
    def test_removal_by_the_stack_that_no_longer_serves_changes_nothing(self, node: FakeNode) -> None:
        node.deploy()
        before = node.live_files()
        messages = node.succeed("remove", REMOVED_STACK="organization/kube-proxy/dev").stderr
        assert (
            "this host now serves as node k8s-node01 of stack organization/kube-proxy/prod: nothing was removed"
            in messages
        )
        assert node.live_files() == before

    def test_second_stack_gives_a_warning_before_it_takes_a_node_over(self, node: FakeNode) -> None:
        node.deploy()
        node.parameters["STACK"] = "organization/kube-proxy/dev"
        assert node.preflight_messages()[0] == (
            "warning: the stack organization/kube-proxy/prod has deployed this node as k8s-node01: this stack takes it over, "
            "and that one must no longer list it"
        )

    def test_removal_by_the_version_before_knows_no_stack(self, node: FakeNode) -> None:
        node.deploy()
        node.succeed("remove", REMOVED_STACK="")
        assert node.live_files() == {}
