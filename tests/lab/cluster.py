"""A lab of its own for the tests, in a copy of the project: real engine, SSH, systemd, kube-proxy and API servers."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import environment, verbs
from lab.node import Node
from lab.paths import Lab

PROJECT = Path(__file__).parents[2]


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
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.lab.project,
            env={**os.environ, **environment.variables(self.lab)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        self.printed.append(done.stdout)
        return Done(done.returncode, done.stdout)

    def up(self) -> Done:
        return self.pulumi("up", "--yes", "--skip-preview")

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

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the stack's configuration; keys are without ``kube-proxy:``."""
        document = yaml.safe_load(self.configuration_file.read_text())
        values = {key.removeprefix("kube-proxy:"): value for key, value in document["config"].items()}
        change(values)
        document["config"] = {f"kube-proxy:{key}": value for key, value in values.items()}
        self.configuration_file.write_text(yaml.safe_dump(document, sort_keys=False))

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
