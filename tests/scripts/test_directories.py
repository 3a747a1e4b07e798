"""The unit in /etc/systemd/system and the binary in a directory of the stack's choice, for a read-only /usr."""

import shutil

import pytest

from tests.scripts.fake_node import BINARY, CONFIGURATION, RESTART, STATE, FakeNode

UNIT = "/etc/systemd/system/kube-proxy.service"
USR_UNIT = "/usr/lib/systemd/system/kube-proxy.service"
BINARY_PATH = "/opt/kube/bin/kube-proxy"
THEIRS = "[Service]\nExecStart=/opt/theirs/kube-proxy\n"


@pytest.fixture
def elsewhere(node: FakeNode) -> FakeNode:
    """A node without the default directories; /opt/kube/bin doesn't exist yet."""
    shutil.rmtree(node.path("/usr"))
    node.path("/etc/systemd/system").mkdir(parents=True)
    node.path("/opt").mkdir()
    node.parameters |= {"UNIT_DIRECTORY": "/etc/systemd/system", "BINARY_DIRECTORY": "/opt/kube/bin"}
    node.write("started-binary", BINARY_PATH)
    node.files["kube-proxy.service"] = f"[Service]\nExecStart={BINARY_PATH} $KUBE_PROXY_ARGS\n"
    return node


def break_configuration(node: FakeNode) -> None:
    node.files["kube-proxy-config.yaml"] = CONFIGURATION + "oomScoreAdj: 666\n"


def run_another(node: FakeNode, unit: str) -> None:
    """A kube-proxy of another owner runs by this unit."""
    node.write(unit, THEIRS)
    node.write("/etc/kubernetes/kube-proxy-config.yaml", "mode: ipvs\n")
    node.write("/unit/loaded", THEIRS)
    node.write("/unit/configuration", "mode: ipvs\n")
    node.write("/unit/enabled", "")
    node.write("/unit/active", "active\n")


def test_node_is_deployed_there_and_removed_from_there(elsewhere: FakeNode) -> None:
    elsewhere.succeed("preflight")
    assert not elsewhere.path("/opt/kube").exists(), "preflight changes nothing"
    elsewhere.deploy()
    assert elsewhere.path(UNIT).read_text() == elsewhere.files["kube-proxy.service"]
    assert elsewhere.path(BINARY_PATH).read_bytes() == BINARY
    assert elsewhere.path("/opt/kube/bin").stat().st_mode & 0o777 == 0o755
    assert not elsewhere.path("/usr").exists()
    elsewhere.systemctl_calls()
    elsewhere.succeed("preflight")
    elsewhere.deploy()
    assert elsewhere.systemctl_calls() == []
    elsewhere.succeed("remove")
    assert not elsewhere.path(UNIT).exists()
    assert list(elsewhere.path("/opt").iterdir()) == []
    assert elsewhere.path("/etc/systemd/system").is_dir()


@pytest.mark.parametrize("k8s_dir", ["/opt/kube", "/opt/kube/bin/below"])
def test_directories_may_be_inside_each_other(elsewhere: FakeNode, k8s_dir: str) -> None:
    elsewhere.parameters["K8S_DIR"] = k8s_dir
    elsewhere.path("/opt").rmdir()
    elsewhere.deploy()
    elsewhere.succeed("remove")
    assert not elsewhere.path("/opt").exists()


def test_directory_that_was_there_stays(elsewhere: FakeNode) -> None:
    elsewhere.path("/opt/kube").mkdir()
    elsewhere.deploy()
    elsewhere.succeed("remove")
    assert list(elsewhere.path("/opt").rglob("*")) == [elsewhere.path("/opt/kube")]


def test_directory_that_others_use_by_now_stays(elsewhere: FakeNode) -> None:
    elsewhere.deploy()
    elsewhere.write("/opt/kube/bin/kubelet", "")
    elsewhere.succeed("remove")
    assert list(elsewhere.path("/opt/kube/bin").iterdir()) == [elsewhere.path("/opt/kube/bin/kubelet")]


def test_failed_first_activation_leaves_nothing(elsewhere: FakeNode) -> None:
    break_configuration(elsewhere)
    elsewhere.fail_to_deploy()
    assert not elsewhere.path(UNIT).exists()
    assert list(elsewhere.path("/opt").iterdir()) == [elsewhere.path("/opt/k8s")]
    elsewhere.parameters["BINARY_DIRECTORY"] = "/opt/bin"
    elsewhere.succeed("preflight")


def test_generation_that_does_not_serve_is_rolled_back(elsewhere: FakeNode) -> None:
    elsewhere.deploy()
    before = elsewhere.live_files()
    break_configuration(elsewhere)
    elsewhere.files["kube-proxy.service"] += "#\n"
    assert "the previous generation serves again" in elsewhere.fail_to_deploy()
    assert elsewhere.live_files() == before
    assert elsewhere.path(BINARY_PATH).exists()


class TestAnotherUnit:
    @pytest.mark.parametrize("unit", [UNIT, USR_UNIT])
    def test_gives_way_without_consent_and_comes_back(self, elsewhere: FakeNode, unit: str) -> None:
        """One at our path is kept and replaced; one in /usr stays where it is, hidden by ours."""
        run_another(elsewhere, unit)
        before = elsewhere.live_files()
        elsewhere.succeed("preflight")
        elsewhere.deploy()
        assert elsewhere.path(UNIT).read_text() == elsewhere.files["kube-proxy.service"]
        assert elsewhere.systemctl_calls().count(RESTART) == 1
        elsewhere.deploy()
        assert elsewhere.systemctl_calls() == []
        assert "the kube-proxy from before the first deployment runs again" in elsewhere.succeed("remove").stderr
        assert elsewhere.live_files() == before

    @pytest.mark.parametrize("unit", [UNIT, USR_UNIT])
    def test_runs_again_after_a_failed_activation(self, elsewhere: FakeNode, unit: str) -> None:
        run_another(elsewhere, unit)
        before = elsewhere.live_files()
        break_configuration(elsewhere)
        elsewhere.fail_to_deploy()
        assert elsewhere.live_files() == before
        assert elsewhere.path("/unit/loaded").read_text() == THEIRS

    def test_in_etc_that_appears_on_a_node_with_ours_in_usr_still_needs_consent(self, node: FakeNode) -> None:
        node.deploy()
        node.write(UNIT, THEIRS)
        assert f"systemd must use {USR_UNIT} for kube-proxy.service, uses {UNIT}" in node.problems()[0]

    @pytest.mark.parametrize("take_over", ["true", "false"])
    def test_that_is_masked_stays_masked(self, elsewhere: FakeNode, take_over: str) -> None:
        elsewhere.parameters["TAKE_OVER"] = take_over
        elsewhere.path(UNIT).symlink_to("/dev/null")
        message = "kube-proxy.service must not be masked: run systemctl unmask kube-proxy.service"
        assert message in elsewhere.problems()
        assert f"{message}; nothing was changed" in elsewhere.fail_to_deploy()
        assert str(elsewhere.path(UNIT).readlink()) == "/dev/null"


class TestChangedDirectories:
    """A node that is deployed keeps its directories: a removal must find everything."""

    @pytest.mark.parametrize(
        ("key", "value"), [("UNIT_DIRECTORY", "/usr/lib/systemd/system"), ("BINARY_DIRECTORY", "/usr/local/bin")]
    )
    def test_are_refused_before_anything_changes(self, elsewhere: FakeNode, key: str, value: str) -> None:
        elsewhere.deploy()
        before = elsewhere.live_files()
        elsewhere.path(value).mkdir(parents=True)
        deployed = dict(elsewhere.parameters)
        elsewhere.parameters |= {key: value, "TAKE_OVER": "true"}
        now = f"{elsewhere.parameters['UNIT_DIRECTORY']} and {elsewhere.parameters['BINARY_DIRECTORY']}"
        message = (
            "unitDirectory and binaryDirectory must be those that this node was deployed with, /etc/systemd/system and "
            f"/opt/kube/bin, are {now}: set them back in kube-proxy:service, or remove the node from its stack first "
            "(docs/operations.md)"
        )
        assert message in elsewhere.problems()
        assert f"{message}; nothing was changed" in elsewhere.fail_to_deploy()
        assert elsewhere.live_files() == before
        elsewhere.parameters = deployed
        elsewhere.systemctl_calls()
        elsewhere.deploy()
        assert elsewhere.systemctl_calls() == []
        elsewhere.succeed("remove")
        elsewhere.parameters[key] = value
        elsewhere.succeed("preflight")

    @pytest.mark.parametrize("marker", ["live", "activating"])
    def test_node_that_the_version_before_has_deployed_has_the_defaults(self, node: FakeNode, marker: str) -> None:
        node.deploy()
        node.path(f"{STATE}/paths").unlink()
        node.path(f"{STATE}/live").rename(node.path(f"{STATE}/{marker}"))
        node.succeed("preflight")
        node.parameters["BINARY_DIRECTORY"] = "/opt/bin"
        assert "deployed with, /usr/lib/systemd/system and /usr/local/bin, are" in node.problems()[0]


class TestPreflight:
    def test_file_in_the_way_is_found(self, elsewhere: FakeNode) -> None:
        elsewhere.write("/opt/kube", "")
        assert elsewhere.problems()[0] == "/opt/kube must be a directory, is a regular empty file: move it away"

    def test_working_directory_must_be_there_or_possible(self, elsewhere: FakeNode) -> None:
        elsewhere.write("/opt/k8s/kube-proxy", "")
        assert (
            elsewhere.problems()[0] == "/opt/k8s/kube-proxy must be a directory, is a regular empty file: move it away"
        )

    def test_link_to_nowhere_is_found(self, elsewhere: FakeNode) -> None:
        elsewhere.path("/opt/kube").symlink_to("nowhere")
        assert elsewhere.problems()[0] == "/opt/kube must be a directory, is a symbolic link: move it away"

    def test_only_root_may_write_the_directories_on_the_way_to_a_binary(self, elsewhere: FakeNode) -> None:
        elsewhere.path("/opt/real").mkdir()
        elsewhere.path("/opt/real").chmod(0o777)
        elsewhere.path("/opt/kube").symlink_to("real")
        real = elsewhere.path("/opt/real")
        assert elsewhere.problems()[0] == (
            "only root may be able to write /opt/kube/bin and the directories on the way to it: "
            f"run chown root:root {real} && chmod go-w {real}, or set another binaryDirectory in kube-proxy:service"
        )

    def test_nothing_is_written_through_a_link_of_others(self, elsewhere: FakeNode) -> None:
        elsewhere.path("/opt/kube/bin").mkdir(parents=True)
        elsewhere.path("/opt/kube/bin").chmod(0o777)
        elsewhere.write("/etc/shadow", "root\n")
        elsewhere.path("/opt/kube/bin/.kube-proxy").symlink_to(elsewhere.path("/etc/shadow"))
        elsewhere.problems()
        assert elsewhere.path("/etc/shadow").read_text() == "root\n"

    def test_directory_must_be_writable_unless_the_binary_is_preinstalled(self, elsewhere: FakeNode) -> None:
        elsewhere.path("/opt/kube").mkdir(parents=True)
        elsewhere.path("/opt/kube/bin").symlink_to("/proc")  # no one can make a file there, not even root
        message = (
            "/opt/kube/bin must be writable: is the file system full or mounted read-only? (mount | grep ro,), or set "
            "another binaryDirectory in kube-proxy:service"
        )
        assert message in elsewhere.problems()
        elsewhere.parameters |= {"BINARY_SOURCE": "preinstalled", "BINARY_SHA256": ""}
        assert message not in elsewhere.problems()

    def test_preinstalled_binary_stays_after_the_removal(self, elsewhere: FakeNode) -> None:
        elsewhere.install_binary()
        elsewhere.parameters |= {"BINARY_SOURCE": "preinstalled", "BINARY_SHA256": ""}
        elsewhere.succeed("preflight")
        elsewhere.deploy()
        elsewhere.succeed("remove")
        assert elsewhere.path(BINARY_PATH).exists()
