"""A node's own `configuration` over the fleet's."""

from collections.abc import Mapping


def merge(fleet: Mapping[str, object], own: Mapping[str, object]) -> Mapping[str, object]:
    """Return a node's own values over the fleet's: mappings merge at every depth, lists and plain values replace.

    A null or an empty string counts as unset and is left out: the fleet's value stays. kube-proxy refuses some nulls.
    """
    merged = {name: _given(value) for name, value in fleet.items() if value not in (None, "")}
    for name, value in own.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = merge(below, value)
        elif value not in (None, ""):
            merged[name] = _given(value)
    return merged


def _given(value: object) -> object:
    if isinstance(value, Mapping):
        return merge(value, {})
    return [_given(item) for item in value] if isinstance(value, list) else value
