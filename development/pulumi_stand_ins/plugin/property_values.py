"""Property values on the wire: protobuf Structs, in which marked objects stand for secrets, assets and unknown values.

The marks are the engine's (sdk/go/common/resource/properties.go). Marked objects of other kinds (archives, references)
are kept as plain objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from google.protobuf import json_format, struct_pb2

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret
_ASSET = "c44067f5952c0a294b673a41bacd8c17"


@dataclass(frozen=True)
class Unknown:
    """A value that is known only after an update. Previews have such values."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted and shows as `[secret]`. Its repr hides it, too."""

    value: "Value" = field(repr=False)


@dataclass(frozen=True)
class Asset:
    """A text or a file. `hash` is the SHA-256 of its content. The state has only the hash, so both can be missing."""

    hash: str
    text: str | None = field(default=None, repr=False)
    path: str | None = None


# The alias is recursive, so its parts are named as strings.
Value: TypeAlias = bool | float | str | Unknown | Secret | Asset | list["Value"] | dict[str, "Value"] | None
Properties: TypeAlias = dict[str, Value]


class UnknownValueError(Exception):
    """A required value is known only after an update. The message is its property path."""


def decode(struct: struct_pb2.Struct) -> Properties:
    """Return the properties of a request."""
    return {key: _decode(value) for key, value in json_format.MessageToDict(struct).items()}


def encode(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Return the properties for a response."""
    struct = struct_pb2.Struct()
    struct.update({key: _encode(value) for key, value in properties.items()})
    return struct


def reveal(value: Value, path: str = "") -> Any:
    """Return the value with plain text for secrets, for use. Raises UnknownValueError if a value in it is unknown."""
    match value:
        case Secret(inner):
            return reveal(inner, path)
        case Unknown():
            raise UnknownValueError(path)
        case list():
            return [reveal(element, f"{path}[{index}]") for index, element in enumerate(value)]
        case dict():
            return {key: reveal(element, f"{path}.{key}" if path else key) for key, element in value.items()}
    return value


def without_secrets(value: Value) -> Value:
    """Return the value with plain text for secrets, for comparisons. Unknown values stay unknown."""
    match value:
        case Secret(inner):
            return without_secrets(inner)
        case list():
            return [without_secrets(element) for element in value]
        case dict():
            return {key: without_secrets(element) for key, element in value.items()}
    return value


def secret(value: Value) -> Secret:
    """Return the value as a secret. A secret stays as it is."""
    return value if isinstance(value, Secret) else Secret(value)


def _decode(value: Any) -> Value:
    match value:
        case str() if value == _UNKNOWN:
            return UNKNOWN
        case list():
            return [_decode(element) for element in value]
        case dict() if value.get(_MARK) == _SECRET:
            return Secret(_decode(value.get("value")))
        case dict() if value.get(_MARK) == _ASSET:
            return Asset(value.get("hash", ""), value.get("text"), value.get("path") or None)
        case dict():
            return {key: _decode(element) for key, element in value.items()}
    return value  # type: ignore[no-any-return]  # null, booleans, numbers, text


def _encode(value: Value) -> Any:
    match value:
        case Unknown():
            return _UNKNOWN
        case Secret(inner):
            return {_MARK: _SECRET, "value": _encode(inner)}
        case Asset():
            content = {"text": value.text, "path": value.path}
            return {_MARK: _ASSET, "hash": value.hash} | {
                key: text for key, text in content.items() if text is not None
            }
        case list():
            return [_encode(element) for element in value]
        case dict():
            return {key: _encode(element) for key, element in value.items()}
    return value
