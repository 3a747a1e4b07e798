"""Whatever goes wrong half-way, the node serves as before, and the failure says what went wrong."""

from collections.abc import Callable

import pytest

from tests.scripts.fake_node import CONFIGURATION, PROGRAMS, RECORDED, FakeNode

STATE = "/var/lib/kube-proxy-generations"
RESTART = "restart kube-proxy.service"


def test_a_generation_that_does_not_serve_is_put_back(node: FakeNode) -> None:
    node.deploy()
    before = node.live()
    node.calls()
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    done = node.deploy()
    assert done.returncode == 1
    assert node.live() == before
    assert node.path("/unit/configuration").read_text() == CONFIGURATION
    assert [call for call in node.calls() if call == RESTART] == [RESTART, RESTART]
    assert "kube-proxy.service must be active, is failed" in done.stderr
    assert "oomScoreAdj must be within the range" in done.stderr, "the journal's reason"
    assert "the previous generation serves again" in done.stderr
    assert not node.path(f"{STATE}/activating").exists()


def test_a_first_generation_that_does_not_serve_leaves_nothing_running(node: FakeNode) -> None:
    node.path("/kube-ipvs0").rename(node.path("/kube-ipvs0-of-the-new-process"))
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"
    done = node.deploy()
    assert done.returncode == 1
    assert node.live() == {}
    assert node.path("/unit/active").read_text() == "inactive\n"
    assert not node.path("/unit/enabled").exists()
    assert not node.path("/kube-ipvs0").exists(), "rules that nobody keeps up to date"


def test_rules_other_than_the_apis_are_not_taken_for_serving(node: FakeNode) -> None:
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text().replace("C0A8637A", "C0A8637B"))
    done = node.deploy()
    assert done.returncode == 1
    assert (
        "the IPVS virtual server must be 'TCP 10.0.0.1:443 192.168.99.121:6443 192.168.99.122:6443 ' as in the API, "
        "its real servers are '192.168.99.121:6443 192.168.99.123:6443 '" in done.stderr
    )


def test_a_process_of_another_version_is_not_taken_for_the_new_one(node: FakeNode) -> None:
    assert node.deploy().returncode == 0
    node.files["kube-proxy.conf"] += "#\n"
    node.write("running-version", "1.35.1\n")
    done = node.deploy()
    assert done.returncode == 1
    assert "http://192.168.99.101:10249/metrics must report kube-proxy 1.36.2, reports '1.35.1'" in done.stderr
    assert "the previous generation serves again" in done.stderr, "of whatever version that is"


def bad_flag(node: FakeNode) -> None:
    node.files["kube-proxy.conf"] = "KUBE_PROXY_ARGS=--logtostderr=true\n"


def refused_value(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"


def crash_soon_after(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 777\n"
    node.parameters["MIN_READY"] = "5"


def address_of_nobody(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("101:10256", "250:10256")
    node.parameters["HEALTHZ"] = "192.168.99.250:10256"


def other_mode_than_asked_for(node: FakeNode) -> None:
    node.parameters["MODE"] = "iptables"
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "#\n"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (bad_flag, '    "command failed" err="unknown flag: --logtostderr"\n'),
        (refused_value, '    "command failed" err="oomScoreAdj must be within the range [-1000, 1000]"\n'),
        (crash_soon_after, "kube-proxy must stay up for 5 s once it serves (rollout.minReadySeconds), exited before"),
        (address_of_nobody, "http://192.168.99.250:10256/livez must answer 200, doesn't answer"),
        (other_mode_than_asked_for, "http://192.168.99.101:10249/proxyMode must answer iptables, answers 'ipvs'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_previous_generation_serves_again(node: FakeNode, spoil: Callable[[FakeNode], None], reason: str) -> None:
    assert node.deploy().returncode == 0
    before, parameters, files = node.live(), dict(node.parameters), dict(node.files)
    node.calls()
    spoil(node)
    done = node.deploy()
    assert done.returncode == 1
    assert reason in done.stderr
    assert "activate: the previous generation serves again\n" in done.stderr
    assert done.stderr.endswith("is not live; fix the cause, then run pulumi up again\n")
    assert node.live() == before
    assert node.calls().count(RESTART) == 2
    node.parameters, node.files = parameters, files
    assert "serves already, nothing to do" in node.deploy().stderr


def test_after_a_switch_of_modes_that_fails_the_new_modes_rules_are_gone(between_modes: FakeNode) -> None:
    node = between_modes
    assert node.deploy().returncode == 0
    node.parameters["MODE"] = "iptables"
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("ipvs", "iptables") + "oomScoreAdj: 666\n"
    assert node.run("stage").returncode == 0
    node.write("iptables", RECORDED)
    done = node.run("activate")
    assert "activate: the previous generation serves again\n" in done.stderr
    assert "KUBE-SVC-" not in node.path("iptables").read_text()
    assert node.path("kube-ipvs0").exists()


def test_a_file_system_that_turned_read_only_costs_no_restart(node: FakeNode) -> None:
    assert node.deploy().returncode == 0
    before = node.live()
    node.files["kube-proxy.conf"] += "#\n"
    assert node.run("stage").returncode == 0
    node.calls()
    programs = node.root / "programs"
    programs.mkdir()
    (programs / "cp").write_text(
        "#!/bin/sh\nfor to; do :; done\ncase $to in */etc/kubernetes/*) echo 'cp: Read-only file system' >&2; exit 1 ;; esac\n"
        'exec /bin/cp "$@"\n'
    )
    (programs / "cp").chmod(0o755)
    done = node.run("activate", PATH=f"{programs}:{PROGRAMS}:/usr/bin:/bin:/usr/sbin:/sbin")
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "kube-proxy was not restarted and runs as before" in done.stderr
    assert RESTART not in node.calls()
    assert node.live() == before
    assert node.run("activate").returncode == 0


def test_with_the_api_away_the_previous_generation_runs_on(node: FakeNode) -> None:
    assert node.deploy().returncode == 0
    before = node.live()
    node.files["kube-proxy.conf"] += "#\n"
    assert node.run("stage").returncode == 0
    node.path("/api").rename(node.path("/api-away"))
    done = node.run("activate")
    assert done.returncode == 1
    assert "the API server https://192.168.99.100:8443 must list the Service kubernetes" in done.stderr
    assert "the previous generation runs again, but isn't proven to serve: the API server" in done.stderr
    assert node.live() == before
    assert node.path("/unit/active").read_text() == "active\n"
    node.path("/api-away").rename(node.path("/api"))
    assert node.run("activate").returncode == 0
