"""Checks of inputs at preview, with the official tls plugin's texts."""

import re
from collections.abc import Collection

from development.pulumi_stand_ins.plugin.property_values import Value
from development.pulumi_stand_ins.plugin.resource import CheckFailure


def one_of(resource: str, path: str, value: Value, allowed: Collection[str]) -> list[CheckFailure]:
    """Check that the value, if it is known, is one of the allowed ones."""
    if not isinstance(value, str) or value in allowed:
        return []
    shown = " ".join(f'"{name}"' for name in allowed)
    return [_failure("Invalid Attribute Value Match", resource, path, f'one of: [{shown}], got: "{value}"')]


def at_least(resource: str, path: str, value: Value, minimum: int) -> list[CheckFailure]:
    """Check that the value, if it is known, isn't below the minimum."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value >= minimum:
        return []
    return [_failure("Invalid Attribute Value", resource, path, f"at least {minimum}, got: {value:g}")]


def known_keys(path: str, value: Value, known: Collection[str]) -> list[CheckFailure]:
    """Check that an object has only known keys."""
    if not isinstance(value, dict):
        return []
    return [
        CheckFailure(f"{path}.{key}", f"must be one of: {', '.join(known)}; this stand-in knows no other input")
        for key in sorted(value.keys() - set(known))
    ]


def _failure(summary: str, resource: str, path: str, must_be: str) -> CheckFailure:
    attribute = re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", path)
    reason = f"{summary}. Attribute {attribute} value must be {must_be}. Examine values at '{resource}.{path}'."
    return CheckFailure("", reason)
