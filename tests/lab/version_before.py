"""The program as it was at the version before, taken from this repository's history."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.cluster import PROJECT

COMMIT = "6a79800d2fe1873c396bd6b0cf2a6bf9cb6e0a6a"
"""The version that users upgrade from. CHANGELOG.md says what has changed since; each release moves this on."""

PROGRAM = ("Pulumi.yaml", "__main__.py", "settings", "documents", "components", "scripts")
"""What Pulumi runs, in either version."""


@contextmanager
def version_before(project: Path) -> Iterator[None]:
    """Has the version before stand in a copy of the project while the body runs, then today's program again."""
    before, today = project / ".lab" / "version-before", project / ".lab" / "version-today"
    _extract(before)
    _move(project, today)
    _move(before, project)
    try:
        yield
    finally:
        _move(project, before)
        _move(today, project)


def _extract(to: Path) -> None:
    """Writes the program of the version before. Raises AssertionError where the repository's history lacks it."""
    to.mkdir(exist_ok=True)
    archive = subprocess.run(["git", "archive", COMMIT, *PROGRAM], cwd=PROJECT, capture_output=True)
    assert archive.returncode == 0, (
        f"the upgrade test needs commit {COMMIT}, the version before: is this a shallow clone? "
        f"run: git fetch --unshallow ({archive.stderr.decode().strip()})"
    )
    subprocess.run(["tar", "-x", "-C", to], input=archive.stdout, check=True)


def _move(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in PROGRAM:
        shutil.move(source / name, target / name)
