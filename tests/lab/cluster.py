"""A lab of its own for the tests, in a copy of the project: real engine, SSH, systemd, kube-proxy and API servers."""

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
class Done:
    """What a command came to; ``text`` is all that it printed."""

    status: int
    text: str


@dataclass
class Cluster:
    """The lab, its dev stack's configuration, and ``pulumi`` as a person runs it."""

    lab: Lab
    printed: list[str] = field(default_factory=list)
    """All that Pulumi has printed, for the scan for secrets."""

    @property
    def nodes(self) -> list[Node]:
        return verbs.nodes(self.lab)

    @property
    def configuration_file(self) -> Path:
        return self.lab.project / "Pulumi.dev.yaml"

    def pulumi(self, *arguments: str) -> Done:
        """Runs ``pulumi`` on the selected stack, as a person does."""
        running = self.begin(*arguments)
        status = running.ends(900)
        if status is None:
            running.kill()
        self.printed.append(running.text)
        return Done(-1 if status is None else status, running.text)

    def begin(self, *arguments: str) -> Running:
        """Starts ``pulumi`` and goes on."""
        command = ["pulumi", "--non-interactive", "--color=never", *arguments]
        log = self.lab.log / "pulumi.log"
        return Running(command, self.lab.project, os.environ | environment.variables(self.lab), log)

    def up(self) -> Done:
        return self.pulumi(*UP)

    def outputs(self) -> dict[str, Any]:
        done = subprocess.run(
            ["pulumi", "stack", "output", "--json"],
            cwd=self.lab.project,
            env={**os.environ, **environment.variables(self.lab)},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(json.loads(done.stdout))

    def configured(self) -> dict[str, Any]:
        """The stack's configuration; keys are without ``kube-proxy:``."""
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
        """Has the stack list the lab's nodes as ``choose`` returns them of the inventory."""
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

    def logins(self) -> dict[str, int]:
        """How many SSH logins each node has seen since its snapshot, this question's own aside."""
        return {node.name: int(node.run("journalctl -u ssh -o cat | grep -c ^Accepted; :")) for node in self.nodes}

    def processes(self) -> dict[str, str]:
        """Each node's kube-proxy process; another one means a restart."""
        return {node.name: node.run("systemctl show -P MainPID kube-proxy").strip() for node in self.nodes}


def binary(version: str) -> dict[str, Any]:
    """The section ``binary`` for a kube-proxy that ``make prepare`` has built."""
    path = f".lab/bin/kube-proxy-{version}"
    return {"version": version, "source": "file", "path": path, "sha256": {"amd64": f"{path}.sha256"}}


def copy_project(to: Path) -> None:
    """Copies what is under version control or could be, and lends the copy this checkout's Python."""
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
def own_lab(project: Path) -> Iterator[Cluster]:
    """A started lab in a copy of the project, removed afterwards."""
    copy_project(project)
    cluster = Cluster(Lab(project))
    try:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.start)
        yield cluster
    finally:
        with Steps() as steps:
            verbs.locked(cluster.lab, steps, verbs.clean)
