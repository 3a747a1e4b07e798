"""The files that a stack's configuration names, read where Pulumi runs."""

from dataclasses import dataclass
from pathlib import Path

from settings.problems import Kind, Location, Problems


@dataclass(frozen=True)
class Files:
    """Reads files; paths are relative to the project's directory, `~` is the home directory."""

    project_directory: Path
    problems: Problems

    def path(self, name: str) -> Path:
        """Return the file's absolute path."""
        return (self.project_directory / Path(name).expanduser()).absolute()

    def content(self, name: str, at: Location) -> bytes | None:
        """Return the file's content, or None and a problem at `at`, where its name stands."""
        try:
            return self.path(name).read_bytes()
        except FileNotFoundError:
            self.problems.add(at, Kind.NOT_FOUND, name, f"must name an existing file; looked for {self.path(name)}")
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self.problems.invalid(at, name, f"must name a file that can be read: {reason}")
        return None

    def text(self, name: str, at: Location) -> str | None:
        """Return the file's text, or None and a problem at `at`, where its name stands."""
        content = self.content(name, at)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            self.problems.invalid(at, name, "must name a text file")
            return None
