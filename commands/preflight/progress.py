"""How far it is, on standard error, for those who wait."""

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

FIRST_SECONDS: Final = 4
MOST_SECONDS: Final = 30

_NAMES: Final = 3


class Progress:
    """A context manager that tells from time to time how many nodes have answered, and which are awaited at the end."""

    def __init__(self, names: Sequence[str]) -> None:
        self._all, self._awaited = len(names), dict.fromkeys(names)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def done(self, name: str) -> None:
        """Say that a node has answered."""
        self._awaited.pop(name, None)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _tell(self) -> None:
        seconds = FIRST_SECONDS
        while not self._ended.wait(seconds):
            awaited = list(self._awaited)
            more = f" and {len(awaited) - _NAMES} more" if len(awaited) > _NAMES else ""
            answered = f"{self._all - len(awaited)} of {self._all} nodes have answered"
            print(f"{answered}, waiting for {', '.join(awaited[:_NAMES])}{more}", file=sys.stderr, flush=True)
            seconds = min(2 * seconds, MOST_SECONDS)
