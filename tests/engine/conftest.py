"""A stack with one node: the real engine and components, real SSH, stages that a test lets fail or hang."""

import getpass
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from development.pulumi_stand_ins.tests.project import Project
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually
from tests.certificates.stack import REPOSITORY, Stack
from tests.components.recorder import REPORT

_PROGRAM = """\
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
import pulumi
from components import ClientCertificates, Rollout, certificate_authority, delivery, host, node
from components.privilege import as_root
from settings import load
delivery.STATE = host.STATE = Path({directory!r}) / "state"
node.command = lambda ssh, digest, *stages: as_root(ssh, "/bin/sh", "{directory}/stage.sh", stages[-1].name, digest)
settings = load({values!r}, Path({directory!r}))
authority = certificate_authority(settings.certificate_authority)
rollout = Rollout("rollout", settings, ClientCertificates(settings, authority), authority.trust_bundle_pem)
pulumi.export("nodes", rollout.reports)
"""
# Takes the place of every stage: this machine is no node.
STAGE = """\
cat >/dev/null
cd "${0%/*}"
echo "$1" >>ran
[ ! -e "fail-$1" ] || exit 1
while [ -e "hang-$1" ]; do sleep 0.1; done
[ "$1" != activate ] || cat report
"""


class Fleet(Stack):
    """A stack with one node, whose stages do nothing or fail."""

    def _program(self) -> str:
        return _PROGRAM.format(repository=str(REPOSITORY), values=self.values, directory=str(self.directory))

    def set_mode(self, mode: str) -> None:
        self.values["configuration"]["mode"] = mode

    def failing_at(self, stage: str, *arguments: str) -> str:
        """Runs `pulumi up` with a stage that fails; returns all that was printed."""
        fault = self.directory / f"fail-{stage}"
        fault.touch()
        printed = self.failing_pulumi("up", "--yes", "--skip-preview", *arguments)
        fault.unlink()
        return printed

    @contextmanager
    def hanging_at(self, stage: str) -> "Iterator[subprocess.Popen[str]]":
        """Runs `pulumi up` with a stage that hangs while the body runs."""
        hanging = self.directory / f"hang-{stage}"
        hanging.touch()
        self.forget_what_ran()
        self.project.program(self._program())
        with self.project.start("up", "--yes", "--skip-preview") as process:
            eventually(lambda: self.ran()[-1:] == [stage])
            yield process
            hanging.unlink()
            process.wait()

    def kill_at(self, stage: str) -> None:
        """Runs `pulumi up` with a stage that hangs, and kills the engine and all that it started."""
        with self.hanging_at(stage) as process:
            os.killpg(process.pid, signal.SIGKILL)
        self.pulumi("cancel", "--yes")

    def ran(self) -> list[str]:
        """Returns the stages that ran since the last call of `forget_what_ran`."""
        ran = self.directory / "ran"
        return ran.read_text().split() if ran.exists() else []

    def forget_what_ran(self) -> None:
        (self.directory / "ran").unlink(missing_ok=True)


@pytest.fixture
def backend() -> str:
    """The URL of the state's backend; empty for files."""
    return ""


@pytest.fixture
def fleet(tmp_path: Path, backend: str) -> Iterator[Fleet]:
    project = Project(tmp_path / "project", backend)
    project.prepare()
    stack = Fleet(project)
    stack.authority()
    (stack.directory / "stage.sh").write_text(STAGE)
    (stack.directory / "report").write_text(REPORT)
    with SshServer(tmp_path / "sshd") as server:
        login = {"host": "127.0.0.1", "port": server.port, "user": getpass.getuser()}
        node = {"name": "k8s-node01", "address": "192.168.99.101", "hostKey": server.host_key().strip(), "ssh": login}
        stack.values |= {"nodes": [node], "ssh": {"privateKeyFile": str(server.directory / "user")}}
        yield stack
