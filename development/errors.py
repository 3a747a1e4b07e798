"""The lab's error."""

from pathlib import Path


class LabError(Exception):
    """A step of the lab failed; the message has the reason and what to do.

    `log` is the file with the failed program's output, if there is one.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
