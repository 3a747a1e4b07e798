"""The difference between a resource's state and its new inputs, in the engine's terms."""

import re
from collections.abc import Iterator, Mapping

from pulumi.runtime.proto import provider_pb2

from development.pulumi_stand_ins.plugin.property_values import Value

Kind = provider_pb2.PropertyDiff
_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def detailed_difference(olds: Mapping[str, Value], news: Mapping[str, Value]) -> dict[str, Kind.Kind.ValueType]:
    """Return the kinds of the changes by property path (`create`, `triggers[0]`, `environment.LANG`).

    Like the official plugins, this compares a secret as one value: a change inside it names only the secret.
    """
    return dict(_of_objects(olds, news, ""))


def response(details: Mapping[str, Kind.Kind.ValueType], replaces: tuple[str, ...] = ()) -> provider_pb2.DiffResponse:
    """Return Diff's response for these changes. `replaces` names the properties that need a new resource.

    They don't have to be among the changed ones: a certificate becomes due without any change.
    """
    changed = bool(details or replaces)
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({property_of(path) for path in details}),
        replaces=replaces,
        detailedDiff={path: Kind(kind=_kind(path, kind, replaces)) for path, kind in details.items()},
        hasDetailedDiff=True,
    )


def property_of(path: str) -> str:
    """Return the top-level property of a path."""
    return re.split(r"[.\[]", path)[0]


def _kind(path: str, kind: Kind.Kind.ValueType, replaces: tuple[str, ...]) -> Kind.Kind.ValueType:
    replacing = {Kind.ADD: Kind.ADD_REPLACE, Kind.DELETE: Kind.DELETE_REPLACE, Kind.UPDATE: Kind.UPDATE_REPLACE}
    return replacing[kind] if property_of(path) in replaces else kind


def _of_objects(
    olds: Mapping[str, Value], news: Mapping[str, Value], path: str
) -> Iterator[tuple[str, Kind.Kind.ValueType]]:
    for key in sorted(olds.keys() | news.keys()):
        step = key if _PLAIN_KEY.fullmatch(key) else f'["{key}"]'
        separator = "." if path and not step.startswith("[") else ""
        yield from _of_values(olds.get(key), news.get(key), f"{path}{separator}{step}")


def _of_values(old: Value, new: Value, path: str) -> Iterator[tuple[str, Kind.Kind.ValueType]]:
    if old == new:
        return
    elif old is None:
        yield path, Kind.ADD
    elif new is None:
        yield path, Kind.DELETE
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (values[index] if index < len(values) else None for values in (old, new))
            yield from _of_values(before, after, f"{path}[{index}]")
    else:
        yield path, Kind.UPDATE
