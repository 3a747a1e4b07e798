"""Compile Go tools into the cache: once, with progress, and completely or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from development import commands
from development.errors import LabError
from development.locks import exclusive
from development.progress import Step
from development.toolchain import GoTools, installed

GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def build(tools: GoTools, step: Step, log: Path) -> None:
    """Build the tools if the cache does not have them.

    Go keeps what it has compiled in its own build cache, so an interrupted build goes on where it stopped. If the
    build fails, raises LabError with Go's last line.
    """
    target = installed(tools)
    if target.exists():
        return
    parent = target.parent
    with exclusive(parent / f"{tools.name}.lock", lambda: step.update("waiting for another lab to build it")):
        for abandoned in parent.glob(f"{tools.name}-*.tmp"):
            shutil.rmtree(abandoned)
        if not target.exists():
            temporary = Path(tempfile.mkdtemp(prefix=f"{tools.name}-", suffix=".tmp", dir=parent))
            _compile(tools, temporary, step, log)
            _write_checksums(temporary, tools.programs)
            temporary.rename(target)


def _compile(tools: GoTools, target: Path, step: Step, log: Path) -> None:
    step.update("downloading modules")
    stale = "{{if .Stale}}{{.ImportPath}}{{end}}"
    total = len(_go(["list", "-deps", *tools.build_flags, "-f", stale, *tools.packages], tools, log, step.update))
    done = 0

    def show_progress(line: str) -> None:
        nonlocal done
        done += is_package(line)
        step.update(f"linking {', '.join(tools.programs)}" if done >= total else f"{done} of {total} packages")

    _go(["build", "-v", *tools.build_flags, "-o", f"{target}/", *tools.packages], tools, log, show_progress)


def _go(arguments: list[str], tools: GoTools, log: Path, on_line: Callable[[str], None]) -> list[str]:
    """Run Go in the tools' module. Return the packages that it prints."""
    status, lines = commands.follow(
        ["go", *arguments], log=log, directory=tools.module, environment=GO_ENVIRONMENT, on_line=on_line
    )
    if status:
        last = next((line for line in reversed(lines) if line and not is_package(line)), f"ended with status {status}")
        raise LabError(f"go {arguments[0]} of {tools.name} {tools.version}: {last}", log)
    return [line for line in lines if is_package(line)]


def is_package(line: str) -> bool:
    """Return whether a line of `go list` or `go build -v` is a package, not a download or an error."""
    return bool(line.strip()) and not set(" \t:") & set(line.strip())


def _write_checksums(directory: Path, programs: tuple[str, ...]) -> None:
    for program in programs:
        with (directory / program).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        (directory / f"{program}.sha256").write_text(f"{digest}  {program}\n")
