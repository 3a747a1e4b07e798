"""A lab for the tests alone, in a copy of the project: real engine, SSH, systemd, kube-proxy and API servers."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from development.lab import environment, verbs
from development.lab.node import Node
from development.paths import Lab
from development.progress import Steps
from tests.lab.running import Running

PROJECT = Path(__file__).parents[2]
UP = ("up", "--yes", "--skip-preview")


@dataclass
class Result:
    """A command's exit status, -1 if it was killed after its time limit, and all that it printed."""

    status: int
    output: str


@dataclass
class Cluster:
    """The lab, the configuration of its stack `dev`, and the commands that a user runs."""

    lab: Lab
    printed: list[str] = field(default_factory=list)
    """All output of Pulumi, for the search for secrets."""

    @property
    def nodes(self) -> list[Node]:
        return verbs.nodes(self.lab)

    @property
    def configuration_file(self) -> Path:
        return self.lab.project / "Pulumi.dev.yaml"

    def pulumi(self, *arguments: str) -> Result:
        """Runs ``pulumi`` on the selected stack; kills it after 15 minutes."""
        running = self.start_pulumi(*arguments)
        status = running.await_end(900)
        if status is None:
            running.kill()
        self.printed.append(running.output)
        return Result(-1 if status is None else status, running.output)

    def start_pulumi(self, *arguments: str) -> Running:
        """Starts ``pulumi`` and returns at once."""
        command = ["pulumi", "--non-interactive", "--color=never", *arguments]
        log = self.lab.log / "pulumi.log"
        return Running(command, self.lab.project, os.environ | environment.variables(self.lab), log)

    def up(self) -> Result:
        return self.pulumi(*UP)

    def outputs(self) -> dict[str, Any]:
        result = subprocess.run(
            ["pulumi", "stack", "output", "--json"],
            cwd=self.lab.project,
            env={**os.environ, **environment.variables(self.lab)},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(json.loads(result.stdout))

    def configured(self) -> dict[str, Any]:
        """Returns the stack's configuration; keys are without ``kube-proxy:``."""
        document = yaml.safe_load(self.configuration_file.read_text())
        return {key.removeprefix("kube-proxy:"): value for key, value in document["config"].items()}

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the stack's configuration; keys are without ``kube-proxy:``."""
        document = yaml.safe_load(self.configuration_file.read_text())
        values = self.configured()
        change(values)
        document["config"] = {f"kube-proxy:{key}": value for key, value in values.items()}
        self.configuration_file.write_text(yaml.safe_dump(document, sort_keys=False))

    def list_nodes(self, choose: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        """Sets the stack's list of nodes to what ``choose`` returns for the lab's list."""
        nodes = choose(yaml.safe_load(self.lab.nodes_file.read_text()))

        def change(values: dict[str, Any]) -> None:
            values.pop("nodesFile", None)
            values["nodes"] = nodes

        self.configure(change)

    def kubectl(self, *arguments: str) -> str:
        return subprocess.run(
            ["kubectl", *arguments],
            env={**os.environ, **environment.variables(self.lab)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    @contextmanager
    def logins(self) -> Iterator[dict[str, int]]:
        """Counts the SSH logins on each node while the body runs; the dictionary is filled afterwards."""
        counts: dict[str, int] = {}
        before = self._logins()
        yield counts
        counts |= {name: count - before[name] for name, count in self._logins().items()}

    def _logins(self) -> dict[str, int]:
        """Returns the number of logins so far. The question itself is none: it uses the connection of Node.run()."""
        return {node.name: int(node.run("journalctl -u ssh -o cat | grep -c ^Accepted; :")) for node in self.nodes}

    def processes(self) -> dict[str, str]:
        """Returns each node's kube-proxy process; another one means a restart."""
        return {node.name: node.run("systemctl show -P MainPID kube-proxy").strip() for node in self.nodes}


def binary(version: str) -> dict[str, Any]:
    """Returns the section ``binary`` for a kube-proxy that ``make prepare`` builds."""
    path = f".lab/bin/kube-proxy-{version}"
    return {"version": version, "source": "file", "path": path, "sha256": {"amd64": f"{path}.sha256"}}


def copy_project(to: Path) -> None:
    """Copies all files that git tracks or would add, and links this checkout's virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (PROJECT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, to / name)
    (to / ".venv").symlink_to(PROJECT / ".venv")


@contextmanager
def own_lab(project: Path, *, containers: bool = False) -> Iterator[Cluster]:
    """Starts a lab in a copy of the project, and removes it afterwards."""
    copy_project(project)
    cluster = Cluster(Lab(project))
    if containers:
        cluster.lab.create()
        cluster.lab.containers.touch()
    try:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.start)
        yield cluster
    finally:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.clean)
