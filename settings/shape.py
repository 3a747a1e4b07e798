"""Reads a mapping as a section, and turns what pydantic finds into problems.

A value with a problem is taken away and the rest is read again: the section that comes back has everything that can be
used, so that the rules between fields can still be checked.
"""

import copy
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings.problems import OMITTED, Kind, Location, Problems
from settings.stack import Section

SectionType = TypeVar("SectionType", bound=Section)

_SECRETS = ("caPrivateKey", "adminKubeconfig", "sshPrivateKey")

_TYPES = {
    "string_type": "must be a string: put it in quotes",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "bool_type": "must be true or false",
}


def read(model: type[SectionType], values: Mapping[str, object], problems: Problems, at: Location = ()) -> SectionType:
    """Return what `values`, which stand at `at`, say as a section; what is wrong with them is added to the problems."""
    remaining: dict[str, Any] = copy.deepcopy(dict(values))
    while True:
        try:
            section = model.model_validate(remaining)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                _report(details, problems, at)
                _take_away(remaining, _place(details["loc"]))
        else:
            _report_unknown_keys(section, at, problems)
            return section


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean "…"?` with the known name that is nearest, nothing if none is near."""
    lower = {other.lower(): other for other in known}
    found = get_close_matches(name.lower(), lower, n=1)
    return f'; did you mean "{lower[found[0]]}"?' if found else ""


def _unknown_key(key: str, known: tuple[str, ...]) -> str:
    return "unknown key" + (nearest(key, known) or "; known keys: " + ", ".join(known))


def _report(details: ErrorDetails, problems: Problems, at: Location) -> None:
    location = (*at, *_place(details["loc"]))
    if details["type"] in Kind.__members__:
        problems.add(location, Kind[details["type"]], details["input"], details["msg"])
    elif details["type"] == "invalid_key" or details["loc"][-1] == "[key]":
        problems.forbidden(location, "every key must be a string: put it in quotes")
    else:
        error = details.get("ctx", {}).get("error")
        value = OMITTED if location[-1] in _SECRETS else details["input"]
        problems.invalid(location, value, str(error) if error else _TYPES.get(details["type"], details["msg"]))


def _report_unknown_keys(section: Section, at: Location, problems: Problems) -> None:
    for key in section.model_extra or {}:
        problems.forbidden((*at, key), section.elsewhere.get(key) or _unknown_key(key, section.known_keys()))
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Section):
                place = (*at, field.alias or name, *((index,) if isinstance(value, list) else ()))
                _report_unknown_keys(item, place, problems)


def _take_away(values: Any, location: Location) -> None:
    """Take a value away; from a list leave an empty section in its place, and where that is wrong too, no list."""
    *path, last = location
    around = values
    for step in path:
        if isinstance(around, dict) and step not in around:
            return
        around = around[step]
    if not isinstance(around, list):
        around.pop(last, None)
    elif around[int(last)] != {}:
        around[int(last)] = {}
    else:
        _take_away(values, tuple(path))


def _place(location: Location) -> Location:
    """Return where the value or the key stands that pydantic speaks of."""
    return tuple(step for step in location if step != "[key]")
