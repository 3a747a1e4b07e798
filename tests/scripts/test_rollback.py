"""A failed activation restores what was live before and reports the cause."""

from collections.abc import Callable

import pytest

from tests.scripts.fake_node import CONFIGURATION, PROGRAMS, RECORDED, RESTART, STATE, FakeNode


def test_generation_that_does_not_serve_is_rolled_back(node: FakeNode) -> None:
    node.deploy()
    before = node.live_files()
    node.systemctl_calls()
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    messages = node.fail_to_deploy()
    assert node.live_files() == before
    assert node.path("/unit/configuration").read_text() == CONFIGURATION
    assert node.systemctl_calls().count(RESTART) == 2
    assert "kube-proxy.service must be active, is failed" in messages
    assert "oomScoreAdj must be within the range" in messages, "the journal has the cause"
    assert "the previous generation serves again" in messages
    assert not node.path(f"{STATE}/activating").exists()


def test_first_generation_that_does_not_serve_is_stopped_and_removed(node: FakeNode) -> None:
    node.path("/kube-ipvs0").rename(node.path("/kube-ipvs0-of-the-new-process"))
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    node.fail_to_deploy()
    assert node.live_files() == {}
    assert node.path("/unit/active").read_text() == "inactive\n"
    assert not node.path("/unit/enabled").exists()
    assert not node.path("/kube-ipvs0").exists(), "without kube-proxy its rules would become stale"


def test_rules_of_a_kube_proxy_that_was_stopped_before_are_kept(node: FakeNode) -> None:
    node.deploy()
    node.write("/unit/active", "inactive\n")
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    assert "kube-proxy was not running before and is stopped again" in node.fail_to_deploy()
    assert node.path("/kube-ipvs0").exists()


def test_previous_generation_must_have_written_the_rules_of_both_families(node: FakeNode) -> None:
    """Or those of the new one would go too early."""
    node.deploy()
    last, queued = (f"kubeproxy_sync_proxy_rules_{name}_timestamp_seconds" for name in ("last", "last_queued"))
    node.write("metrics", f'{last}{{ip_family="IPv4"}} 1.7e+09\n{queued}{{ip_family="IPv6"}} 1.7e+09\n')
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    assert "isn't proven to serve: kube-proxy must complete a synchronization of its IPv6" in node.fail_to_deploy()


def unknown_flag(node: FakeNode) -> None:
    node.files["kube-proxy.conf"] = "KUBE_PROXY_ARGS=--logtostderr=true\n"


def rejected_value(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"


def exit_soon_after_serving(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 777\n"
    node.parameters["MIN_READY"] = "5"


def address_of_another_host(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("101:10256", "250:10256")
    node.parameters["HEALTHZ"] = "192.168.99.250:10256"


def another_mode(node: FakeNode) -> None:
    node.parameters["MODE"] = "iptables"
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "#\n"


@pytest.mark.parametrize(
    ("break_node", "cause"),
    [
        (unknown_flag, '    "command failed" err="unknown flag: --logtostderr"\n'),
        (rejected_value, '    "command failed" err="oomScoreAdj must be within the range [-1000, 1000]"\n'),
        (
            exit_soon_after_serving,
            "kube-proxy must stay up for 5 s once it serves (rollout.minReadySeconds), exited before",
        ),
        (address_of_another_host, "http://192.168.99.250:10256/livez must answer 200, doesn't answer"),
        (another_mode, "http://192.168.99.101:10249/proxyMode must answer iptables, answers 'ipvs'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_previous_generation_serves_again_after_any_fault(
    node: FakeNode, break_node: Callable[[FakeNode], None], cause: str
) -> None:
    node.deploy()
    before, parameters, files = node.live_files(), dict(node.parameters), dict(node.files)
    node.systemctl_calls()
    break_node(node)
    messages = node.fail_to_deploy()
    assert cause in messages
    assert "activate: the previous generation serves again\n" in messages
    assert messages.endswith("is not live; fix the cause, then run pulumi up again\n")
    assert node.live_files() == before
    assert node.systemctl_calls().count(RESTART) == 2
    node.parameters, node.files = parameters, files
    assert "serves already, nothing to do" in node.deploy().stderr


def test_failed_change_of_mode_leaves_no_rules_of_the_new_mode(between_modes: FakeNode) -> None:
    node = between_modes
    node.deploy()
    node.parameters["MODE"] = "iptables"
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("ipvs", "iptables") + "oomScoreAdj: 666\n"
    node.succeed("stage")
    node.write("iptables", RECORDED)
    assert "activate: the previous generation serves again\n" in node.fail("activate")
    assert "KUBE-SVC-" not in node.path("iptables").read_text()
    assert node.path("kube-ipvs0").exists()


def test_read_only_file_system_fails_the_activation_without_a_restart(node: FakeNode) -> None:
    node.deploy()
    before = node.live_files()
    node.files["kube-proxy.conf"] += "#\n"
    node.succeed("stage")
    node.systemctl_calls()
    read_only = "case $to in */etc/kubernetes/*) echo 'install: Read-only file system' >&2; exit 1 ;; esac"
    path = node.replace_program("install", f'for to; do :; done\n{read_only}\nexec {PROGRAMS}/install "$@"')
    messages = node.fail("activate", PATH=path)
    assert "Read-only file system" in messages
    assert "kube-proxy was not restarted and runs as before" in messages
    assert RESTART not in node.systemctl_calls()
    assert node.live_files() == before
    node.succeed("activate")


def test_previous_generation_runs_again_while_the_api_server_is_away(node: FakeNode) -> None:
    node.deploy()
    before = node.live_files()
    node.files["kube-proxy.conf"] += "#\n"
    node.succeed("stage")
    node.path("/api").rename(node.path("/api-away"))
    messages = node.fail("activate")
    assert "the API server https://192.168.99.100:8443 must list the Service kubernetes" in messages
    assert "the previous generation runs again, but isn't proven to serve: the API server" in messages
    assert node.live_files() == before
    assert node.path("/unit/active").read_text() == "active\n"
    node.path("/api-away").rename(node.path("/api"))
    node.succeed("activate")
