"""The dev stack: `pulumi up` of this project against the lab."""

import json
import os
import subprocess
from pathlib import Path

from development import commands
from development.errors import LabError
from development.lab import environment
from development.paths import Lab
from development.progress import Step

NAME = "dev"


def up(lab: Lab, step: Step) -> str:
    """Select the stack, create it if there is none, run `pulumi up` and return Pulumi's summary of the changes.

    Its output is in `.lab/log/pulumi-up.log`. Raises LabError with Pulumi's diagnostics when it fails.
    """
    log = lab.log / "pulumi-up.log"
    log.write_text("")
    _pulumi(lab, ["stack", "select", "--create", NAME], step, log)
    printed = _pulumi(
        lab, ["up", "--stack", NAME, "--yes", "--skip-preview", "--non-interactive", "--color=never"], step, log
    )
    return ", ".join(block(printed, "Resources:"))


def outputs(lab: Lab) -> dict[str, object]:
    """Return the stack's outputs, with secrets masked. Raises LabError if there is no stack yet."""
    done = subprocess.run(
        ["pulumi", "stack", "output", "--stack", NAME, "--json"],
        cwd=lab.project,
        env={**os.environ, **environment.variables(lab)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"the stack `{NAME}` must be deployed, by `make up`: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def _pulumi(lab: Lab, arguments: list[str], step: Step, log: Path) -> list[str]:
    def show(line: str) -> None:
        if not line.startswith("@") and "warning:" not in line:  # lines of dots and plugins' paths are no progress
            step.update(line)

    status, lines = commands.follow(
        ["pulumi", *arguments], log=log, directory=lab.project, environment=environment.variables(lab), on_line=show
    )
    if status:
        raise LabError("\n".join(["pulumi failed:", *diagnostics(lines)]), log)
    return lines


def block(lines: list[str], heading: str) -> list[str]:
    """Return the indented lines under a heading of Pulumi's output, up to the next heading or empty line."""
    if heading not in lines:
        return []
    rest = lines[lines.index(heading) + 1 :]
    length = next((number for number, line in enumerate(rest) if not line.startswith(" ")), len(rest))
    return [line.strip() for line in rest[:length]]


def diagnostics(lines: list[str]) -> list[str]:
    """Return the lines that explain a failure: everything from `Diagnostics:` on, or else the last lines."""
    start = lines.index("Diagnostics:") if "Diagnostics:" in lines else max(0, len(lines) - 10)
    return [line for line in lines[start:] if "warning: using pulumi-" not in line]
