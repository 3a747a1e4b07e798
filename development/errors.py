"""The one failure that the lab reports to a person."""

from pathlib import Path


class LabError(Exception):
    """A step of the lab failed; the message says why and what to do.

    `log` is the file in which the failed program's own words are, where there is one.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
