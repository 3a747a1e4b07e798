"""The lab's progress output: a line with its time for each step, and a spinner while a step takes long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

_SHOWN_AFTER_SECONDS = 0.5
_LINE_EVERY_SECONDS = 60.0


class Step:
    """A running step; its last line shows `summary` after its title."""

    def __init__(self, title: str, progress: Progress) -> None:
        self.title = title
        self.summary = ""
        self._progress = progress
        self._task: TaskID | None = None
        self._began = self._last_line = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Return the seconds since the step began."""
        return time.monotonic() - self._began

    def show(self) -> TaskID:
        """Show the step with a spinner, if it is not shown yet."""
        with self._lock:
            if self._task is None:
                self._task = self._progress.add_task(self.title, detail="")
            return self._task

    def update(self, detail: str) -> None:
        """Show progress such as `312 of 1504 packages`: at once on a terminal, elsewhere in one line per minute."""
        self._progress.update(self.show(), detail=detail)
        console = self._progress.console
        if not console.is_terminal and time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            console.print(f"  … {self.title}: {detail} ({self.elapsed:.0f} s)")

    def end(self) -> None:
        """Remove the step's spinner."""
        with self._lock:
            if self._task is not None:
                self._progress.remove_task(self._task)


class Steps:
    """Runs steps and prints a line when each ends."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
        )
        self._progress = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)

    def __enter__(self) -> "Steps":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run the body as a step. Steps may run at the same time, in threads."""
        step = Step(title, self._progress)
        spinner = threading.Timer(_SHOWN_AFTER_SECONDS, step.show)
        spinner.start()
        try:
            yield step
        except BaseException:
            self.console.print(f"[red]✗[/] {title} ({step.elapsed:.1f} s)")
            raise
        else:
            summary = f": {step.summary}" if step.summary else ""
            self.console.print(f"[green]✓[/] {title}{summary} ({step.elapsed:.1f} s)")
        finally:
            spinner.cancel()
            step.end()
