"""Problems of a stack's configuration, in the format of Kubernetes' field errors.

The format, the kinds and what each kind shows come from k8s.io/apimachinery, pkg/util/validation/field/errors.go:
`nodes[1].hostKey: Required value: …`, `cluster.clusterCIDR: Invalid value: "172.30.0.0": must be …`.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

Parsed = TypeVar("Parsed")

Location: TypeAlias = tuple[str | int, ...]
"""Where a value is: mapping keys and list indexes from the top, ("nodes", 1, "hostKey")."""

OMITTED: Final = object()
"""In place of a value that must not be shown, or that doesn't exist."""

# Any field may contain a private key or a password by mistake. Such a value is never shown.
_SECRET: Final = re.compile(r"PRIVATE KEY|://[^/\s]*@")

_LONGEST_VALUE: Final = 160


class Kind(StrEnum):
    """The kind of a problem, as Kubernetes words it."""

    REQUIRED = "Required value"
    INVALID = "Invalid value"
    DUPLICATE = "Duplicate value"
    UNSUPPORTED = "Unsupported value"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "Not found"


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
        value = "" if self.value is OMITTED else _quoted(self.value)
        line = ": ".join(part for part in (self.path, self.kind or "", value, self.detail) if part)
        # One line per problem, and no control characters on the terminal, whatever the value contains.
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


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
        self._unreadable = unreadable
        self._errors: list[Problem] = []
        self._warnings: dict[Location, Problem] = {}

    def add(self, location: Location, kind: Kind, value: object, detail: str = "") -> None:
        """Add a problem, unless this location or one around it has one already: at most one problem per field."""
        if (kind == Kind.FORBIDDEN and location in self._unreadable) or not self.at(location):
            self._errors.append(Problem(location, kind, _shown(kind, value), detail))

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
        places = (*(error.location for error in self._errors), *self._unreadable)
        return any(location[: len(place)] == place for place in places)

    def errors(self, values: Mapping[str, object]) -> tuple[Problem, ...]:
        """Return all problems in the order of `values`, those of missing keys last."""
        return tuple(sorted(self._errors, key=lambda error: _position(error.location, values)))

    def warnings(self, values: Mapping[str, object]) -> tuple[Problem, ...]:
        """Return all warnings in the order of `values`, without those at locations that have a problem."""
        warnings = (warning for warning in self._warnings.values() if not self.at(warning.location))
        return tuple(sorted(warnings, key=lambda warning: _position(warning.location, values)))


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
    return "supported values: " + ", ".join(f'"{value}"' for value in values)


def find(values: object, location: Location) -> object:
    """Return the value at a location, or OMITTED if there is none."""
    for step in location:
        try:
            values = values[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return OMITTED
    return values


def _quoted(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _shown(kind: Kind | None, value: object) -> object:
    if kind in (Kind.REQUIRED, Kind.FORBIDDEN) or _SECRET.search(str(value)):
        return OMITTED
    return value


def _position(location: Location, values: object) -> tuple[int, ...]:
    positions: list[int] = []
    for step in location:
        if isinstance(values, Mapping):
            keys = list(values)
            positions.append(keys.index(step) if step in keys else len(keys))
            values = values.get(step)
        elif isinstance(values, Sequence) and isinstance(step, int):
            positions.append(step)
            values = values[step] if step < len(values) else None
    return tuple(positions)
