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

_SECRETS = ("caPrivateKey", "sshPrivateKey")

_TYPES = {
    "string_type": "must be a string: put it in quotes",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}


def read(model: type[SectionType], values: Mapping[str, object], problems: Problems) -> SectionType:
    """Return what `values` say as a section; what is wrong with them is added to the problems."""
    remaining: dict[str, Any] = copy.deepcopy(dict(values))
    while True:
        try:
            section = model.model_validate(remaining)
        except ValidationError as error:
            for details in error.errors(include_url=False):
                _report(details, problems)
                _take_away(remaining, details["loc"])
        else:
            _report_unknown_keys(section, (), problems)
            return section


def unknown_key(key: str, known: tuple[str, ...]) -> str:
    """Return the detail of a key that is not known: the nearest known one, or all of them."""
    lower = {name.lower(): name for name in known}
    if nearest := get_close_matches(key.lower(), lower, n=1):
        return f'unknown key; did you mean "{lower[nearest[0]]}"?'
    return "unknown key; known keys: " + ", ".join(known)


def _report(details: ErrorDetails, problems: Problems) -> None:
    location = _place(details["loc"])
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
        problems.forbidden((*at, key), unknown_key(key, section.known_keys()))
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, Section):
                place = (*at, field.alias or name, *((index,) if isinstance(value, list) else ()))
                _report_unknown_keys(item, place, problems)


def _take_away(values: Any, location: Location) -> None:
    *path, last = _place(location)
    for step in path:
        values = values[step]
    if isinstance(values, list):
        values[int(last)] = {}
    else:
        values.pop(last)


def _place(location: Location) -> Location:
    """Return where the value or the key stands that pydantic speaks of."""
    return tuple(step for step in location if step != "[key]")
