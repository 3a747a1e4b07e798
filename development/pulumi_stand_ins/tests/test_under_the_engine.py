"""A small program on the stand-ins, under the real engine."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.pulumi_stand_ins.tests.project import Project
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually

_COMMAND = """\
import getpass
import pulumi
from pulumi_command import remote
connection = remote.ConnectionArgs(
    host="127.0.0.1", port={port}, user=getpass.getuser(), private_key=open("{user}").read(),
    host_key=open("{host}").read(), dial_error_limit=0,
)
command = remote.Command("c", connection=connection, add_previous_output_in_env=False, {arguments})
pulumi.export("o", command.stdout)
"""
# The engine interrupts a program whose run has failed; without a handler, Python prints a traceback.
_SIGINT_HANDLER = """\
import os, signal
def interrupted(number, frame):
    open("{notice}", "w").close()
    os._exit(130)
signal.signal(signal.SIGINT, interrupted)
"""
_HOOK = """\
import time
def hook(arguments):
    open("{started}", "w").close()
    time.sleep(600)
"""
_CERTIFICATE = """\
import pulumi_tls as tls
key = tls.PrivateKey("key", algorithm="RSA")
ca = tls.SelfSignedCert("ca", private_key_pem=key.private_key_pem, subject={"common_name": "ca"},
    is_ca_certificate=True, allowed_uses=["cert_signing"], validity_period_hours=10)
csr = tls.CertRequest("csr", private_key_pem=key.private_key_pem, subject={"common_name": "x"})
crt = tls.LocallySignedCert("crt", cert_request_pem=csr.cert_request_pem, ca_cert_pem=ca.cert_pem,
    ca_private_key_pem=key.private_key_pem, allowed_uses=["client_auth"], validity_period_hours=1)
"""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("prepared") / "project")
    project.prepare()
    return project


@pytest.fixture
def project(prepared: Project, tmp_path: Path) -> Project:
    return prepared.copy(tmp_path / "project")


def children_of(process_id: int) -> Iterator[int]:
    """Yield all descendants of a process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == process_id:
            yield int(stat.parent.name)
            yield from children_of(int(stat.parent.name))


def alive(process_id: int) -> bool:
    """Return whether a process runs. A zombie doesn't."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def open_gate(gate: Path) -> None:
    """Release a process that still reads from the gate, if there is one."""
    with contextlib.suppress(OSError):
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))


def command_program(server: SshServer, arguments: str) -> str:
    directory = server.directory
    return _COMMAND.format(
        port=server.port, user=directory / "user", host=directory / "host_ed25519.pub", arguments=arguments
    )


def succeeded(run: "subprocess.CompletedProcess[str]") -> str:
    assert run.returncode == 0, run.stdout
    return run.stdout


def failed(run: "subprocess.CompletedProcess[str]") -> str:
    assert run.returncode != 0, run.stdout
    return run.stdout


def test_life_of_a_stack(project: Project, server: SshServer, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def program(create: str, trigger: str, others: str = "") -> None:
        arguments = (
            f"create='cat >/dev/null; echo {create}', delete='echo gone >> {log}', triggers=['{trigger}'], "
            "stdin=pulumi.Output.secret('sekret')"
        )
        project.program(command_program(server, arguments) + _CERTIFICATE + others)

    program(f"one | tee -a {log}", "a")
    first = succeeded(project.up())
    assert 'o: "one"' in first
    assert (
        "the lab's stand-ins replace Pulumi's language host and plugins: command v1.2.1, kubernetes v4.34.2, tls v"
        in first
    )
    assert "BEGIN CERTIFICATE" in project.state()
    assert "PRIVATE KEY" not in project.state()
    assert "sekret" not in project.state()

    assert "6 unchanged" in succeeded(project.up("--expect-no-changes"))

    program(f"two | tee -a {log}", "a")
    assert "1 updated" in succeeded(project.up())
    program(f"three | tee -a {log}", "b")
    assert "1 replaced" in succeeded(project.up())
    assert log.read_text().split() == ["one", "two", "three", "gone"]

    # After a failed update the state has the old outputs, after a failed create nothing. The next up runs both again.
    program("four; exit 3", "b", "remote.Command('d', connection=connection, create='exit 4')")
    output = failed(project.up())
    assert 'error: Process exited with status 3: running "cat >/dev/null; echo four; exit 3":\n' in output
    assert "sekret" not in output
    outputs = project.outputs("c")
    assert outputs is not None
    assert outputs["stdout"] == "three"
    assert project.outputs("d") is None

    succeeded(project.pulumi("destroy", "--yes"))
    assert log.read_text().split() == ["one", "two", "three", "gone", "gone"]


class TestPrograms:
    def test_run_error_is_printed_without_a_traceback(self, project: Project) -> None:
        project.program("import pulumi\nraise pulumi.RunError('the node must have a name')")
        output = failed(project.pulumi("preview"))
        assert "error: the node must have a name" in output
        assert "program exited with non-zero exit code: 1" in output
        assert "Traceback" not in output

    def test_traceback_of_another_exception_starts_in_the_program(self, project: Project) -> None:
        project.program("print('printed')\n1 / 0")
        output = failed(project.pulumi("preview"))
        assert "ZeroDivisionError" in output
        assert '__main__.py", line 2' in output
        assert "executor.py" not in output
        assert "non-zero exit code" not in output
        assert "printed" in output

    def test_program_imports_its_own_modules_and_none_of_the_stand_ins(self, project: Project) -> None:
        (project.directory / "settings.py").write_text("NAME = 'own'")
        project.program("""\
import importlib.util, os, settings, pulumi
others = [name for name in ("development", "project", "host", "executor") if importlib.util.find_spec(name)]
pulumi.export("o", f"{settings.NAME} {others} {'PYTHONPATH' in os.environ}")
""")
        assert f'o: "own [] {"PYTHONPATH" in os.environ}"' in succeeded(project.pulumi("preview"))


class TestInterruption:
    @pytest.fixture
    def waiting(self, project: Project, server: SshServer, tmp_path: Path) -> Project:
        """A program with a command that waits until the file `gate` is written to."""
        os.mkfifo(tmp_path / "gate")
        program = command_program(server, f"create='touch {tmp_path}/runs; cat {tmp_path}/gate'")
        project.program(_SIGINT_HANDLER.format(notice=tmp_path / "interrupted") + program)
        return project

    def test_failed_run_interrupts_the_program(self, project: Project, server: SshServer, tmp_path: Path) -> None:
        handler = _SIGINT_HANDLER.format(notice=tmp_path / "interrupted")
        project.program(handler + command_program(server, "create='exit 3'"))
        output = failed(project.up())
        assert (tmp_path / "interrupted").exists()
        assert "error: Process exited with status 3" in output
        assert "Traceback" not in output

    def test_ctrl_c_ends_the_program_and_its_hook_so_the_command_does_not_run(
        self, project: Project, server: SshServer, tmp_path: Path
    ) -> None:
        binding = "pulumi.ResourceHookBinding(before_create=[pulumi.ResourceHook('h', hook)])"
        options = f"opts=pulumi.ResourceOptions(hooks={binding})"
        program = command_program(server, f"create='touch {tmp_path}/ran', {options}")
        handler = _SIGINT_HANDLER.format(notice=tmp_path / "interrupted")
        project.program(handler + _HOOK.format(started=tmp_path / "started") + program)
        with project.start("up", "--yes", "--skip-preview") as engine:
            eventually((tmp_path / "started").exists)
            engine.send_signal(signal.SIGINT)
            output, _ = engine.communicate(timeout=30)
        assert (tmp_path / "interrupted").exists()
        assert "before hook" in output
        assert "rpc error: code = Unavailable" in output
        assert not (tmp_path / "ran").exists()
        assert "Traceback" not in output

    def test_program_that_ignores_the_interruption_is_killed(self, project: Project, tmp_path: Path) -> None:
        started = tmp_path / "started"
        project.program(
            f"import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nopen('{started}', 'w')\ntime.sleep(600)"
        )
        with project.start("up", "--yes", "--skip-preview") as engine:
            eventually(started.exists)
            programs = list(children_of(engine.pid))
            engine.send_signal(signal.SIGINT)
            assert engine.wait(30) != 0
        eventually(lambda: not any(map(alive, programs)))

    def test_ctrl_c_waits_for_the_running_command_and_records_it(self, waiting: Project, tmp_path: Path) -> None:
        with waiting.start("up", "--yes", "--skip-preview") as engine:
            eventually((tmp_path / "runs").exists)
            engine.send_signal(signal.SIGINT)
            assert engine.stdout is not None
            lines = iter(engine.stdout.readline, "")
            assert any("^C received" in line for line in lines)
            eventually((tmp_path / "interrupted").exists)
            (tmp_path / "gate").write_text("done\n")
            assert engine.wait(30) != 0
        outputs = waiting.outputs("c")
        assert outputs is not None
        assert outputs["stdout"] == "done"

    def test_second_ctrl_c_ends_at_once_and_leaves_no_process(self, waiting: Project, tmp_path: Path) -> None:
        with waiting.start("up", "--yes", "--skip-preview") as engine:
            eventually((tmp_path / "runs").exists)
            started = list(children_of(engine.pid))
            engine.send_signal(signal.SIGINT)
            assert engine.stdout is not None
            lines = iter(engine.stdout.readline, "")
            assert any("^C received" in line for line in lines)
            engine.send_signal(signal.SIGINT)
            assert engine.wait(30) != 0
        assert len(started) >= 3
        eventually(lambda: not any(map(alive, started)))
        open_gate(tmp_path / "gate")

    def test_killed_engine_leaves_no_process(self, waiting: Project, tmp_path: Path) -> None:
        with waiting.start("up", "--yes", "--skip-preview") as engine:
            eventually((tmp_path / "runs").exists)
            started = list(children_of(engine.pid))
            engine.kill()
            engine.wait(10)
            assert len(started) >= 3
            eventually(lambda: not any(map(alive, started)))
        open_gate(tmp_path / "gate")
