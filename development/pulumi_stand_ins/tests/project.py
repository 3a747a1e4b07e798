"""A small Pulumi project for the real engine, with the stand-ins first on PATH."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from development.pulumi_stand_ins.tests.plugin_process import BIN

_PULUMI_YAML = """\
name: project
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {virtualenv}
"""


@dataclass(frozen=True)
class Project:
    """A project with one stack, `dev`, and its state."""

    directory: Path
    backend: str = ""
    """The URL of the state's backend; empty for a directory beside the project."""

    def prepare(self) -> None:
        """Write the project and create its stack. The key derivation takes a second, so do it once and copy the project."""
        assert shutil.which("pulumi"), 'pulumi must be on PATH: make prepare, then eval "$(make -s env)"'
        (self.directory / "state").mkdir(parents=True)
        (self.directory / "Pulumi.yaml").write_text(_PULUMI_YAML.format(virtualenv=sys.prefix))
        done = self.pulumi("stack", "init", "dev")
        assert done.returncode == 0, done.stdout

    def copy(self, directory: Path) -> "Project":
        """Copy the project with its stack and state."""
        return Project(Path(shutil.copytree(self.directory, directory)))

    def program(self, text: str) -> None:
        (self.directory / "__main__.py").write_text(text)

    def up(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.pulumi("up", "--yes", "--skip-preview", *arguments)

    def pulumi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=900)
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    @contextmanager
    def start(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """Run the engine without a terminal, with both streams in one. It is killed at the end of the block."""
        process = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def state(self) -> str:
        """Return the text of the stack's state."""
        return (self.directory / "state" / ".pulumi" / "stacks" / "project" / "dev.json").read_text()

    def outputs(self, name: str) -> dict[str, Any] | None:
        """Return the outputs of a resource in the state, or None."""
        resources = json.loads(self.state())["checkpoint"]["latest"].get("resources") or []
        found: list[dict[str, Any]] = [r["outputs"] for r in resources if r["urn"].endswith(f"::{name}")]
        return found[0] if found else None

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(self.directory / "home"),
            "PULUMI_BACKEND_URL": self.backend or f"file://{self.directory}/state",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Pulumi keeps the selected stack by the project's path, and a copy has another path.
            "PULUMI_STACK": "dev",
            # Empty counts as unset: the developer's own agent must not take part in a test.
            "SSH_AUTH_SOCK": "",
        }
