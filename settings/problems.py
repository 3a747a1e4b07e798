"""Problems of a stack's configuration, in the format of Kubernetes' field errors.

The format, the kinds and what each kind shows come from k8s.io/apimachinery, pkg/util/validation/field/errors.go:
`nodes[1].hostKey: Required value: …`, `cluster.clusterCIDR: Invalid value: "172.30.0.0": must be …`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from settings.yaml_reader import Written

Parsed = TypeVar("Parsed")

Location: TypeAlias = tuple[str | int, ...]
"""Where a value is: mapping keys and list indexes from the top, ("nodes", 1, "hostKey")."""

OMITTED: Final = object()
"""In place of a value that must not be shown, or that doesn't exist."""

# Any field may contain a private key or a password by mistake. Such a value is never shown. The second line has the
# beginnings of keys in Base64: OpenSSH, PKCS#8 of Ed25519, SEC 1 of P-256, all others with a length of two digits.
_SECRET: Final = re.compile(
    r"PRIVATE KEY|://[^/\s]*@|"
    r"b3BlbnNzaC1rZXkt|MC4CAQAwBQYDK2Vw|MHcCAQEE|MI[GHI][A-Za-z0-9+/]{20}"
)

_LONGEST_VALUE: Final = 160
LONGEST_PATH: Final = 300
LONGEST_DETAIL: Final = 1000

MOST_PROBLEMS: Final = 10_000
"""How many errors, and how many warnings, are shown of a stack."""

_MOST_SUPPORTED: Final = 100


class Kind(StrEnum):
    """The kind of a problem, as Kubernetes words it."""

    REQUIRED = "Required value"
    INVALID = "Invalid value"
    DUPLICATE = "Duplicate value"
    UNSUPPORTED = "Unsupported value"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "Not found"
    TOO_MANY = "Too many"


@dataclass(frozen=True)
class Problem:
    """One problem: the location, the kind, the value or OMITTED, and what the value must be.

    A warning has no kind. Its value is valid but probably a mistake, and it never blocks.
    """

    location: Location
    kind: Kind | None
    value: object
    detail: str

    @property
    def path(self) -> str:
        """The location in Kubernetes' field path format: `nodes[1].hostKey`."""
        return field_path(self.location)

    @property
    def severity(self) -> str:
        """`error`, which ends the preview, or `warning`, which blocks nothing."""
        return "warning" if self.kind is None else "error"

    def __str__(self) -> str:
        value = "" if self.value is OMITTED else quoted(self.value)
        path, detail = cut(self.path, LONGEST_PATH), cut(self.detail, LONGEST_DETAIL)
        return printable(": ".join(part for part in (path, self.kind or "", value, detail) if part))


class UnshownError(ValueError):
    """A value is not what it must be, and must not be shown: it may be a secret in the wrong place."""


class SettingsError(ValueError):
    """A stack's configuration has problems; `str()` is the message with all of them.

    `warnings` are not part of the message.
    """

    def __init__(self, problems: tuple[Problem, ...], warnings: tuple[Problem, ...] = ()) -> None:
        self.problems = problems
        self.warnings = warnings
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = (f"the stack's configuration (kube-proxy:) has {count}:", *(f"  {problem}" for problem in problems))
        super().__init__("\n".join(lines))


class Problems:
    """Collects the problems of one stack. Values at the locations in `unreadable` are encrypted and not reported."""

    def __init__(self, unreadable: Collection[Location] = ()) -> None:
        self._unreadable = frozenset(unreadable)
        self._errors: dict[Location, Problem] = {}
        self._warnings: dict[Location, Problem] = {}

    def add(self, location: Location, kind: Kind, value: object, detail: str = "") -> None:
        """Add a problem, unless this location or one around it has one already: at most one problem per field."""
        if (kind == Kind.FORBIDDEN and location in self._unreadable) or not self.at(location):
            self._errors.setdefault(location, Problem(location, kind, _shown(kind, value), detail))

    def warn(self, location: Location, value: object, detail: str) -> None:
        """Warn about a valid but probably unintended value, once per location."""
        if not self.at(location):
            self._warnings.setdefault(location, Problem(location, None, _shown(None, value), detail))

    def invalid(self, location: Location, value: object, detail: str) -> None:
        """Report a value that is not what it must be."""
        self.add(location, Kind.INVALID, value, detail)

    def required(self, location: Location, detail: str) -> None:
        """Report a value that is missing."""
        self.add(location, Kind.REQUIRED, OMITTED, detail)

    def forbidden(self, location: Location, detail: str) -> None:
        """Report a value that must not be set."""
        self.add(location, Kind.FORBIDDEN, OMITTED, detail)

    def parse(self, text: str, location: Location, shown: object, parse: Callable[[str], Parsed]) -> Parsed | None:
        """Return what `parse` makes of the text, or None and a problem with the message of its ValueError."""
        try:
            return parse(text)
        except ValueError as error:
            self.invalid(location, shown, str(error))
            return None

    def at(self, location: Location) -> bool:
        """Return whether this location, or one around it, has a problem or can't be read."""
        around = (location[:length] for length in range(len(location) + 1))
        return any(place in self._errors or place in self._unreadable for place in around)

    def errors(self, values: Mapping[str, object]) -> tuple[Problem, ...]:
        """Return all problems in the order of `values`, those of missing keys last."""
        return _in_order(self._errors.values(), values, Kind.TOO_MANY)

    def warnings(self, values: Mapping[str, object]) -> tuple[Problem, ...]:
        """Return all warnings in the order of `values`, without those at locations that have a problem."""
        return _in_order((found for found in self._warnings.values() if not self.at(found.location)), values, None)


def printable(text: str) -> str:
    """Return one line for a terminal: control characters, and what reorders or breaks text, as escape sequences."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def field_path(location: Location) -> str:
    """Return a location in Kubernetes' field path format: `nodes[1].ssh.port`."""
    rendered = ""
    for step in location:
        if isinstance(step, int) or not re.fullmatch(r"[\w-]+", step):
            rendered += f"[{step}]"
        else:
            rendered += f".{step}" if rendered else step
    return rendered


def supported_values(values: Iterable[str]) -> str:
    """Return the detail of an unsupported value: the list of supported ones."""
    return "supported values: " + ", ".join(f'"{value}"' for value in islice(values, _MOST_SUPPORTED))


def find(values: object, location: Location) -> object:
    """Return the value at a location, or OMITTED if there is none."""
    for step in location:
        try:
            values = values[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return OMITTED
    return values


def quoted(value: object) -> str:
    """Return a value in JSON; a number as it was written."""
    text = value.written if isinstance(value, Written) else json.dumps(value, ensure_ascii=False, default=str)
    return cut(text, _LONGEST_VALUE)


def cut(text: str, longest: int) -> str:
    """Return the text, or its beginning."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def _shown(kind: Kind | None, value: object) -> object:
    if kind in (Kind.REQUIRED, Kind.FORBIDDEN) or _SECRET.search(str(value)):
        return OMITTED
    return value


def _in_order(found: Iterable[Problem], values: Mapping[str, object], more: Kind | None) -> tuple[Problem, ...]:
    """Return the first problems in the order of `values`; and one of kind `more`, if there are others."""
    orders: dict[int, dict[object, int]] = {}

    def position(problem: Problem) -> tuple[int, ...]:
        place: object = values
        positions: list[int] = []
        for step in problem.location:
            if isinstance(place, Mapping):
                order = orders.get(id(place)) or orders.setdefault(id(place), {key: at for at, key in enumerate(place)})
                positions.append(order.get(step, len(order)))
                place = place.get(step)
            elif isinstance(place, Sequence) and isinstance(step, int):
                positions.append(step)
                place = place[step] if step < len(place) else None
        return tuple(positions)

    ordered = sorted(found, key=position)
    left = len(ordered) - MOST_PROBLEMS
    rest = [Problem((), more, OMITTED, f"{left} more are not shown: fix these first")] if left > 0 else []
    return (*ordered[:MOST_PROBLEMS], *rest)
