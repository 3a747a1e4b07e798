"""Run other programs to their end."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from development.errors import LabError


def run(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    stdin: bytes | None = None,
    directory: Path | None = None,
    seconds: float = 120,
) -> str:
    """Run a program and return its output; append its error output to `log`.

    Raises LabError with the program's last line when it fails, and when it takes longer than `seconds`.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            [*map(str, command)], input=stdin, cwd=directory, capture_output=True, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise LabError(f"{name}: must be installed and on PATH") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{name}: must end within {seconds:.0f} s, and did not", log) from None
    if log:
        with log.open("ab") as file:
            file.write(done.stderr)
    if done.returncode:
        printed = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise LabError(f"{name}: {printed[-1] if printed else f'ended with status {done.returncode}'}", log)
    return done.stdout.decode()


def follow(
    command: Sequence[str],
    *,
    log: Path,
    directory: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> tuple[int, list[str]]:
    """Run a long program and return its status and lines; append them to `log` and call `on_line` with each."""
    lines: list[str] = []
    with (
        log.open("a") as file,
        subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                file.write(line)
                lines.append(line.rstrip())
                on_line(line.strip())
        except KeyboardInterrupt:
            process.wait()  # the terminal interrupted it, too: let it stop in order, so that Pulumi keeps its state
            raise
    return process.returncode, lines


def privileged(command: Sequence[str | Path]) -> list[str]:
    """Return the command to run as root: unchanged for root, else by `sudo -n`, which never asks for a password."""
    return [*map(str, command)] if os.geteuid() == 0 else ["sudo", "-n", *map(str, command)]
