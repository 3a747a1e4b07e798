"""Property values as the engine sends them, written independently of the stand-ins' own code."""

from typing import Any

from google.protobuf import json_format, struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MARK = "4dabf18193072939515e22adb298388d"


def secret(value: object) -> dict[str, object]:
    return {_MARK: "1b47061264138c4ac30d75fd1eb44270", "value": value}


def asset(**content: str) -> dict[str, object]:
    return {_MARK: "c44067f5952c0a294b673a41bacd8c17", **content}


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def properties(message: struct_pb2.Struct) -> dict[str, Any]:
    return json_format.MessageToDict(message)
