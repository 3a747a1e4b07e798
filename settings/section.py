"""Sections of the configuration: mappings with known keys, and how they are read from a stack's values.

Reading reports every problem. A value with a problem is removed and the rest is read again, so that rules between
fields are still checked. A missing required field is None; its problem ends the program before anything uses it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from settings.problems import OMITTED, Kind, Location, Problems, UnshownError, supported_values
from settings.suggestions import nearest
from settings.yaml_reader import MOST_LEVELS

SECRET_KEYS: Final = ("caPrivateKey", "adminKubeconfig", "sshPrivateKey", "sudoPassword")
"""Keys of a stack whose values are secrets."""

_MOST_BITS: Final = 512
"""Python doesn't print whole numbers of more than 4,300 digits."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_ACRONYMS: Final = {"arp": "ARP", "cidr": "CIDR", "cidrs": "CIDRs", "url": "URL"}

_TYPES: Final = {
    "string_type": "must be a string: put it in quotes",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "bool_type": "must be true or false",
}


def _key(field: str) -> str:
    """Return the key of a field: `clusterCIDR` for `cluster_cidr`."""
    first, *others = field.split("_")
    return first + "".join(_ACRONYMS.get(word, word.capitalize()) for word in others)


class Section(BaseModel):
    """A mapping with known keys."""

    # Code uses field names; read_section accepts only keys.
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_key, validate_by_name=True, hide_input_in_errors=True
    )

    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Keys that people may expect here, and what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _without_unset(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        known = cls.known_keys()
        return {key: item for key, item in value.items() if key not in known or not cls.is_unset(key, item)}

    @classmethod
    def is_unset(cls, _key: object, item: object) -> bool:
        """Return whether a value counts as unset: a null does."""
        return item is None

    @classmethod
    @cache
    def known_keys(cls) -> tuple[str, ...]:
        """Return the known keys, as they are written."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())

    def report_conflicts(self, at: Location, problems: Problems) -> None:
        """Report what is wrong between fields of this section, whose location is `at`."""


SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True)
class _Required:
    """Marks a required field; `must` is the message if it is missing."""

    must: str


def required(must: str) -> Any:
    """Declare a required field; `must` is the message if it is missing."""
    field: Any = Field(default=None)
    field.metadata.append(_Required(must))
    return field


def read_section(
    model: type[SectionType], values: Mapping[str, object], problems: Problems, at: Location = ()
) -> SectionType:
    """Return the values at `at` as a section, and report what is wrong with them."""
    remaining: dict[str, Any] = _copied(values, problems, at)
    while True:
        try:
            section = model.model_validate(remaining, by_name=False, by_alias=True, extra="allow")
        except ValidationError as error:
            for details in error.errors(include_url=False):
                _report(details, problems, at)
                _take_away(remaining, _place(details["loc"]))
        else:
            _check(section, at, problems)
            return section


def _report(details: ErrorDetails, problems: Problems, at: Location) -> None:
    location = (*at, *_place(details["loc"]))
    if details["type"] in Kind.__members__:
        problems.add(location, Kind[details["type"]], details["input"], details["msg"])
    elif details["type"] == "enum":
        supported = re.findall("'(.*?)'", details["ctx"]["expected"])
        problems.add(location, Kind.UNSUPPORTED, details["input"], supported_values(supported))
    else:
        error = details.get("ctx", {}).get("error")
        value = OMITTED if location[-1] in SECRET_KEYS or isinstance(error, UnshownError) else details["input"]
        problems.invalid(location, value, str(error) if error else _TYPES.get(details["type"], details["msg"]))


def _check(section: Section, at: Location, problems: Problems) -> None:
    """Report unknown keys, missing required fields, and conflicts between fields."""
    known = section.known_keys()
    for key in section.model_extra or {}:
        unknown = "unknown key" + (nearest(key, known) or "; known keys: " + ", ".join(known))
        problems.forbidden((*at, key), section.elsewhere.get(key, unknown))
    for name, alias, must in _fields(type(section)):
        location, value = (*at, alias), getattr(section, name)
        if must and value is None:
            problems.required(location, must)
        for place, below in _sections(value, location):
            _check(below, place, problems)
    section.report_conflicts(at, problems)


@cache
def _fields(model: type[Section]) -> tuple[tuple[str, str, str], ...]:
    """Return each field's name, its key, and the message if it is missing; empty if it may be."""
    return tuple(
        (name, field.alias or name, "".join(mark.must for mark in field.metadata if isinstance(mark, _Required)))
        for name, field in model.model_fields.items()
    )


def _sections(value: object, at: Location) -> Iterator[tuple[Location, Section]]:
    if isinstance(value, Section):
        yield at, value
    elif isinstance(value, list | tuple):
        yield from (((*at, index), item) for index, item in enumerate(value) if isinstance(item, Section))


def _take_away(values: Any, location: Location) -> None:
    """Remove a value. In a list, leave an empty section in its place; if that is invalid too, remove the list."""
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


def _copied(value: Any, problems: Problems, at: Location) -> Any:
    """Return a copy without what no value of a stack may have, and report that."""
    if len(at) > MOST_LEVELS and isinstance(value, Mapping | list):
        problems.invalid(at, OMITTED, f"must not be nested more than {MOST_LEVELS} levels deep")
        return None
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                problems.forbidden(
                    (*at, key if isinstance(key, int) else str(key)), "every key must be a string: put it in quotes"
                )
        return {key: _copied(item, problems, (*at, key)) for key, item in value.items() if isinstance(key, str)}
    if isinstance(value, list):
        return [_copied(item, problems, (*at, index)) for index, item in enumerate(value)]
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        problems.invalid(at, OMITTED, "must be a number of fewer digits")
        return None
    if isinstance(value, str) and not value.isascii() and _SURROGATE.search(value):
        problems.invalid(at, OMITTED, "must be text without halves of surrogate pairs")
        return None
    return value


def _place(location: Location) -> Location:
    """Return the location of the value or key for pydantic's location."""
    return tuple(step for step in location if step != "[key]")
