"""What brings scripts to a node, and starts them there: deliver.sh, run.sh, start_removal.sh."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from components.delivery import SCRIPTS, Delivery
from tests.scripts import crash
from tests.scripts.fake_node import PROGRAMS, STATE, FakeNode


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A delivery with stages of the test's own."""
    (tmp_path / "delivery").mkdir()
    (tmp_path / "delivery/run.sh").write_text((SCRIPTS / "run.sh").read_text())
    (tmp_path / "delivery/one.sh").write_text('pwd; echo "$DELIVERY" "${REMOVED_NODE-}"; echo scratch >left\n')
    (tmp_path / "delivery/fail.sh").write_text("exit 3\n")
    (tmp_path / "delivery/two.sh").write_text("cat left\n")
    (tmp_path / "delivery/remove.sh").write_text('echo "removes $REMOVED_NODE"\n')
    (tmp_path / "delivery/parameters").write_text("NODE=k8s-node01\n")
    return tmp_path / "delivery"


def run(path: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", path, *arguments], capture_output=True, text=True, check=False, input=stdin, timeout=60
    )


def test_stages_share_a_directory_in_memory_which_is_gone_afterwards(delivery: Path) -> None:
    done = run(delivery / "run.sh", "one", "two")
    directory, delivered, scratch = done.stdout.splitlines()
    assert directory.startswith("/run/kube-proxy.")
    assert delivered.strip() == str(delivery)
    assert scratch == "scratch"
    assert not Path(directory).exists()
    assert not (delivery / "left").exists()


def test_stages_get_nothing_of_the_logins_environment(delivery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "CURL_CA_BUNDLE", "BASH_ENV", "LC_ALL", "CURL_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/nowhere")
    (delivery / "one.sh").write_text("env\n")
    names = {line.partition("=")[0] for line in run(delivery / "run.sh", "one").stdout.splitlines()}
    assert names - {"PWD", "SHLVL", "_"} == {"PATH", "HOME", "DELIVERY", "REMOVED_NODE", "REMOVED_STACK"}


def test_stages_get_nothing_of_standard_input_where_a_password_may_be(delivery: Path) -> None:
    (delivery / "one.sh").write_text("cat; echo end\n")
    assert run(delivery / "run.sh", "one", stdin="hunter2\n").stdout == "end\n"


def test_stage_that_fails_ends_the_run_with_its_status(delivery: Path) -> None:
    done = run(delivery / "run.sh", "one", "fail", "two")
    assert done.returncode == 3
    assert "scratch" not in done.stdout


def test_stage_that_ends_without_a_reason_is_named_with_what_to_do(delivery: Path) -> None:
    (delivery / "full.sh").write_text("set -e\nprintf lost >/dev/full\n")
    done = run(delivery / "run.sh", "full")
    assert done.returncode == 1
    assert "k8s-node01: full: ended unexpectedly, with status 1; " in done.stderr
    assert "is a file system full (df -h; df -i) or read-only, or was it killed (dmesg)?" in done.stderr


def test_stage_that_ends_without_a_reason_leaves_nothing_if_the_connection_is_gone(delivery: Path) -> None:
    (delivery / "lost.sh").write_text("pwd\nexit 7\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(["/bin/sh", delivery / "run.sh", "lost"], stdout=subprocess.PIPE, stderr=writing, check=False)
    os.close(writing)
    assert done.returncode == 7
    assert not Path(done.stdout.decode().strip()).exists()


def test_stage_that_ends_without_a_reason_keeps_its_status_where_standard_error_is_closed(delivery: Path) -> None:
    (delivery / "lost.sh").write_text("exit 7\n")
    done = subprocess.run(["/bin/sh", "-c", 'exec /bin/sh "$0" lost 2>&-', delivery / "run.sh"], check=False)
    assert done.returncode == 7


def test_removal_that_ends_without_a_reason_has_the_name_in_its_stack(
    delivery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOVED_NODE", "old-name")
    assert "old-name: fail: ended unexpectedly, with status 3; " in run(delivery / "run.sh", "fail").stderr


def test_stage_that_gives_up_has_the_last_word(node: FakeNode, delivery: Path) -> None:
    common = (SCRIPTS / "common.sh").read_text()
    (delivery / "gives_up.sh").write_text(f"{common}\nfail reason\n")
    (delivery / "parameters").write_text("".join(f"{key}='{value}'\n" for key, value in node.parameters.items()))
    assert run(delivery / "run.sh", "gives_up").stderr == "k8s-node01: gives_up: reason\n"


def test_directory_that_a_killed_run_has_left_is_deleted_once_its_stage_has_ended(delivery: Path) -> None:
    (delivery / "wait.sh").write_text('pwd; while [ ! -e "$DELIVERY/end" ]; do sleep 0.1; done\n')
    killed = subprocess.Popen(["/bin/sh", delivery / "run.sh", "wait"], stdout=subprocess.PIPE, text=True)
    with killed:
        assert killed.stdout
        directory = Path(killed.stdout.readline().strip())
        killed.kill()
        killed.wait()
        run(delivery / "run.sh", "one")
        assert directory.exists()
        (delivery / "end").touch()
        assert killed.stdout.read() == "", "the stage has ended"
    run(delivery / "run.sh", "one")
    assert not directory.exists()


def test_directory_that_a_killed_run_has_left_is_deleted_whatever_the_directories_of_users_are_called(
    delivery: Path, tmp_path: Path
) -> None:
    made = subprocess.run(
        ["mktemp", "-d", "/run/kube-proxy.99999999.XXXXXX"], capture_output=True, text=True, check=True
    )
    left = Path(made.stdout.strip())
    named = Path(f"{tmp_path}/\nl 1 me me 0 /proc/1/cwd -> {left}")
    named.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=named) as process:
        run(delivery / "run.sh", "one")
        process.kill()
    assert not left.exists()


@pytest.mark.parametrize("there", ["nothing", "an empty run.sh"])
def test_delivery_is_complete_or_absent_after_a_power_failure(
    node: FakeNode, tmp_path_factory: pytest.TempPathFactory, there: str
) -> None:
    delivery, cut_off = node.path(f"{STATE}/deliveries/new"), tmp_path_factory.mktemp("cut-off")
    if there != "nothing":
        node.write(f"{STATE}/deliveries/new/run.sh", "")
    before = crash.contents(node.root)
    node.copy(cut_off / "0")
    programs = crash.wrap(tmp_path_factory.mktemp("wrapped") / "programs", f"{PROGRAMS}:{os.environ['PATH']}")
    subprocess.run(
        ["/bin/sh", SCRIPTS / "deliver.sh", node.path(STATE), delivery.name, ""],
        input=Delivery(node.parameters, node.files).archive(),
        env={"PATH": programs, "root": str(node.root), "CUT_OFF": str(cut_off)},
        check=True,
    )
    complete = {path.relative_to(delivery): path.read_bytes() for path in delivery.rglob("*") if path.is_file()}
    assert len(complete) > len(node.files)
    copies = sorted(cut_off.iterdir(), key=lambda copy: int(copy.name))
    assert len(copies) > 5
    for copy in copies:
        crash.lose_unsynced(copy, before)
        at = copy / delivery.relative_to(node.root)
        left = {path.relative_to(at): path.read_bytes() for path in at.rglob("*") if path.is_file()}
        assert left in (complete, {}, {Path("run.sh"): b""} if there != "nothing" else {}), f"after step {copy.name}"


def test_same_delivery_may_come_twice_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "diff").write_text('#!/bin/sh\n/usr/bin/diff "$@"; status=$?; sleep 0.5; exit $status\n')
    (tmp_path / "diff").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    archive = Delivery({"NODE": "k8s-node01"}, {}).archive()
    command: list[str | Path] = ["/bin/sh", SCRIPTS / "deliver.sh", tmp_path / "state", "digest", ""]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for process in runs:
        assert process.stdin
        process.stdin.write(archive)
        process.stdin.close()
    assert [(process.wait(), process.stderr.read()) for process in runs if process.stderr] == 2 * [(0, b"")]
    assert [path.name for path in (tmp_path / "state/deliveries").iterdir()] == ["digest"]


class TestRemoval:
    @pytest.fixture
    def state(self, tmp_path: Path) -> Path:
        (tmp_path / "state").mkdir()
        return tmp_path / "state"

    def test_runs_the_recorded_delivery_with_the_nodes_name(self, state: Path, delivery: Path) -> None:
        (state / "live-delivery").write_text(f"{delivery}\n")
        assert run(SCRIPTS / "start_removal.sh", str(state), "k8s-node01").stdout == "removes k8s-node01\n"

    def test_standard_input_is_read_to_its_end(self, state: Path) -> None:
        path = state / "description"
        path.write_text("configuration: {}\n")
        with path.open() as description:
            done = subprocess.run(["/bin/sh", SCRIPTS / "start_removal.sh", state, "k8s-node01"], stdin=description)
            assert done.returncode == 0
            assert os.lseek(description.fileno(), 0, os.SEEK_CUR) == path.stat().st_size

    def test_recorded_delivery_that_is_gone_counts_as_none(self, state: Path) -> None:
        (state / "live-delivery").write_text(f"{state}/deliveries/gone\n")
        assert run(SCRIPTS / "start_removal.sh", str(state), "k8s-node01").returncode == 0

    def test_host_without_kube_proxy_is_left_alone(self, state: Path) -> None:
        done = run(SCRIPTS / "start_removal.sh", str(state), "k8s-node01")
        assert done.returncode == 0
        assert done.stdout + done.stderr == ""

    @pytest.mark.parametrize("directory", ["/etc/systemd/system", "/usr/lib/systemd/system"])
    def test_node_that_was_deployed_but_names_no_delivery_is_an_error(self, state: Path, directory: str) -> None:
        """Our unit runs `recover` of the state; another owner's doesn't."""
        unit, script = state.parent / f"{directory}/kube-proxy.service".lstrip("/"), state.parent / "start_removal.sh"
        script.write_text(re.sub("(?=/(etc|usr)/)", str(state.parent), (SCRIPTS / "start_removal.sh").read_text()))
        unit.parent.mkdir(parents=True)
        unit.write_text("[Service]\nExecStart=/usr/local/bin/kube-proxy\n")
        assert run(script, str(state), "k8s-node01").returncode == 0
        unit.write_text(f"[Service]\nExecStartPre=-/bin/sh {state}/recover\n")
        done = run(script, str(state), "k8s-node01")
        assert done.returncode == 1
        assert done.stderr.startswith(f"k8s-node01: remove: {state}/live-delivery must name a delivery: ")

    def test_activation_records_its_delivery_and_deletes_old_ones(self, node: FakeNode) -> None:
        old, young = (node.path(f"{STATE}/deliveries/{name}") for name in ("old", "young"))
        for path in (old, young):
            path.mkdir()
        subprocess.run(["touch", "-d", "2 days ago", old, node.path(f"{STATE}/deliveries/0")], check=True)
        node.deploy()
        assert node.path(f"{STATE}/live-delivery").read_text() == f"{STATE}/deliveries/0\n"
        assert sorted(path.name for path in node.path(f"{STATE}/deliveries").iterdir()) == ["0", "young"]
