"""The files that a stack's configuration names, read where Pulumi runs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from settings.problems import Kind, Location, Parsed, Problems


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
        """Return the file's absolute path."""
        return (self.project_directory / Path(name).expanduser()).absolute()

    def content(self, name: str, at: Location, *, needed: bool = False) -> bytes | None:
        """Return the file's content, or None and a problem at `at`, the location of its name.

        A needed file is part of the stack's configuration, and must exist even `elsewhere`.
        """
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            if self.elsewhere and not needed:
                unchecked = "is not on this machine and was not checked; it must exist where Pulumi runs"
                self.problems.warn(at, name, unchecked)
            else:
                self.problems.add(at, Kind.NOT_FOUND, name, f"must name an existing file; looked for {self.path(name)}")
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.problems.invalid(at, name, f"must name a readable file: {reason}")
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
