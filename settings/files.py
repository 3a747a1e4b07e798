"""The files that a stack's configuration names, read where Pulumi runs."""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from settings.problems import OMITTED, Kind, Location, Parsed, Problems

MOST_TEXT: Final = 4 * 2**20
"""The size of a text file, in bytes."""

MOST_BINARY: Final = 512 * 2**20
"""The size of a kube-proxy binary, in bytes; 1.36 has 70 MB."""

# The Base64 of a key or a certificate; one line in ten thousand has no digit. A path of this length nearly always has
# a dot, a dash or an underscore, or else neither digits nor long names.
_ENCODED: Final = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*([0-9+]|[A-Za-z]{24}))[A-Za-z0-9+/=\s]{40,}", re.DOTALL)


@dataclass(frozen=True)
class Files:
    """Reads files. Paths are relative to the project's directory; `~` is the home directory.

    `elsewhere`: this may not be the machine that deploys. A missing file is then only a warning, because keys are kept
    out of version control.
    """

    project_directory: Path
    problems: Problems
    elsewhere: bool = False

    def path(self, name: str) -> Path:
        """Return the file's absolute path. Raises ValueError if its home directory is unknown."""
        try:
            return (self.project_directory / Path(name).expanduser()).absolute()
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    def content(
        self, name: str, at: Location, *, needed: bool = False, most: int = MOST_TEXT, instead: str = ""
    ) -> bytes | None:
        """Return the file's content, or None and a problem at `at`, the location of its name.

        A needed file is part of the stack's configuration, and must exist even `elsewhere`. A name that is part of a
        secret is not shown, but what to do `instead`.
        """
        shown = OMITTED if instead else name
        try:
            return read_file(self.path(name), most)
        except (OSError, ValueError) as error:
            if _ENCODED.fullmatch(name):
                self.problems.invalid(at, OMITTED, "must be a file name, not the file's content")
            elif not isinstance(error, FileNotFoundError):
                reason = error.strerror if isinstance(error, OSError) else error
                self.problems.invalid(at, shown, f"must name a readable file: {reason}")
            elif self.elsewhere and not needed:
                unchecked = "is not on this machine and was not checked; it must exist where Pulumi runs"
                self.problems.warn(at, shown, unchecked)
            else:
                hint = instead or f"looked for {self.path(name)}"
                self.problems.add(at, Kind.NOT_FOUND, shown, f"must name an existing file; {hint}")
        return None

    def parse(self, name: str, at: Location, parse: Callable[[str], Parsed], *, needed: bool = False) -> Parsed | None:
        """Return what `parse` makes of the file's text, or None and a problem with the message of its ValueError."""
        content = self.content(name, at, needed=needed)
        try:
            text = None if content is None else content.decode()
        except UnicodeDecodeError:
            self.problems.invalid(at, name, "must name a text file")
            return None
        return None if text is None else self.problems.parse(text, at, name, parse)


def read_file(path: Path, most: int = MOST_TEXT) -> bytes:
    """Return the content of a regular file.

    The size is what the file system says: files in /proc have none, and the read of one may wait, or never end.

    Raises:
        OSError: it can't be read.
        ValueError: it is another kind of file, or has more than `most` bytes.
    """
    # Before it is opened, because that alone starts some devices.
    _size(path.stat(), most)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a Path would open it again, perhaps another file
        return file.read(_size(os.fstat(descriptor), most))


def _size(status: os.stat_result, most: int) -> int:
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("Is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it must be a regular file, not a device, a pipe or a socket")
    if status.st_size > most:
        raise ValueError(f"it must have at most {most // 2**20} MiB, has {status.st_size // 2**20 + 1}")
    return status.st_size
