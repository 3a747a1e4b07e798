"""The building blocks of field types: validators, and text that is parsed when it is read."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class ParsedText(str):
    """Text that stays as it was written, with its parsed value. The constructor parses it or raises ValueError."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


def checked(test: Callable[[Any], object], must: str) -> AfterValidator:
    """Accept a value for which the test is true and raises no ValueError; `must` is the message for other values."""

    def check(value: object) -> object:
        try:
            if test(value):
                return value
        except ValueError:
            pass
        raise ValueError(must)

    return AfterValidator(check)


def matching(pattern: str, must: str) -> AfterValidator:
    """Accept text that the pattern matches from start to end."""
    return checked(re.compile(pattern).fullmatch, must)


def whole_number(low: int, high: int, unit: str = "") -> BeforeValidator:
    """Accept a whole number, also as text: `pulumi config set` may store "22"."""

    def read(value: object) -> int:
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number{unit} from {low} to {high}")
        return int(text)

    return BeforeValidator(read)


def at_most(most: int, what: str) -> BeforeValidator:
    """Accept a list of so many items, or a mapping of so many values at any depth."""

    def read(value: object) -> object:
        if (len(value) if isinstance(value, list) else _count(value)) > most:
            raise ValueError(f"must have at most {most} {what}")
        return value

    return BeforeValidator(read)


def _count(value: object) -> int:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, items))


def _flag(value: object) -> bool:
    if str(value) not in ("True", "False", "true", "false"):
        raise ValueError("must be true or false")
    return str(value).lower() == "true"


def _max_unavailable(value: object) -> int | str:
    text = str(value)
    if re.fullmatch(r"[1-9][0-9]{0,5}", text):
        return int(text)
    if re.fullmatch(r"([1-9][0-9]?|100)%", text):
        return text
    raise ValueError("must be a number of nodes from 1, or a percentage from 1% to 100% (e.g. 25%)")


Flag: TypeAlias = Annotated[bool, BeforeValidator(_flag)]
"""A boolean, also as text: `pulumi config set` may store "true"."""
MaxUnavailable: TypeAlias = Annotated[int | str, BeforeValidator(_max_unavailable)]
