"""A stack's configuration file, Pulumi.<stack>.yaml, read without Pulumi and without its secrets."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from settings import yaml_reader
from settings.files import read_file
from settings.problems import Location
from settings.section import SECRET_KEYS

NAMESPACE: Final = "kube-proxy:"

_TEXTS: Final = (*SECRET_KEYS, "nodesFile")
"""Keys whose value is text. All others have a structure, which Pulumi also accepts as JSON."""


@dataclass(frozen=True)
class StackFile:
    """A stack's values by key, without the namespace. The values at the locations in `unreadable` are cipher text."""

    values: Mapping[str, object]
    unreadable: frozenset[Location]
    root: yaml.Node
    _children: dict[int, Mapping[object, tuple[yaml.Node, yaml.Node]]] = field(default_factory=dict)

    def line(self, location: Location) -> int:
        """Return the line of a value, or of the nearest value around it. The first line is 1."""
        node, line = self.root, 1
        for step in ("config", *(f"{NAMESPACE}{key}" for key in location[:1]), *location[1:]):
            if id(node) not in self._children:
                self._children[id(node)] = dict(_below(node))
            below = self._children[id(node)].get(step)
            if below is None:
                break
            line, node = below[0].start_mark.line + 1, below[1]
        return line


def read_stack_file(path: Path) -> StackFile:
    """Return the content of a stack's file.

    Raises:
        ValueError: the file can't be read, or it is no stack's file.
    """
    try:
        document, root = yaml_reader.parse_yaml(read_file(path).decode(), yaml_reader.GoLoader)
    except OSError as error:
        raise ValueError(f"must be a readable file: {error.strerror}") from None
    except yaml.YAMLError as error:
        reason = yaml_reader.error_detail(error)
        raise ValueError(f"must be YAML{reason and f'; {reason}'}") from None
    except UnicodeDecodeError:
        raise ValueError("must be YAML in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"must be a readable file: {error}") from None
    config = document.get("config") or {} if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping) or root is None:
        raise ValueError(f"must be a stack's file, with a mapping `config` of keys like {NAMESPACE}cluster")
    given = {key: value for key, value in config.items() if isinstance(key, str) and key.startswith(NAMESPACE)}
    own = {key.removeprefix(NAMESPACE): value for key, value in given.items()}
    secrets: set[Location] = set()
    parsed = {key: parse_value(key, value) if isinstance(value, str) else value for key, value in own.items()}
    values = {key: _plain(value, (key,), secrets) for key, value in parsed.items()}
    return StackFile(values, frozenset(secrets), root)


def parse_value(key: str, value: str) -> object:
    """Return the value of a key that is given as text: the text itself, or the structure that it is in JSON.

    A structure that exceeds the limits of yaml_reader stays text, which is wrong for every key.
    """
    if key in _TEXTS:
        return value
    try:
        parsed = json.loads(value, parse_int=_number, parse_float=_finite, parse_constant=_number)
    except (ValueError, RecursionError):
        return value
    return value if yaml_reader.exceeds_limits(parsed) else parsed


def _number(text: str) -> int:
    """Raises ValueError for a number that is too long, and for Infinity and NaN, which JSON doesn't have."""
    if len(text) > yaml_reader.LONGEST_NUMBER:
        raise ValueError
    return int(text)


def _finite(text: str) -> float:
    """Raises ValueError for a number that is too large, which Python reads as infinite."""
    if math.isinf(number := float(text)):
        raise ValueError
    return number


def _plain(value: object, at: Location, secrets: set[Location]) -> object:
    """Return a value with each secret (`secure: v1:…`) replaced by its cipher text; add its location to `secrets`."""
    if isinstance(value, Mapping):
        if list(value) == ["secure"]:
            secrets.add(at)
            return value["secure"]
        return {key: _plain(item, (*at, key), secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*at, index), secrets) for index, item in enumerate(value)]
    return value


def _below(node: yaml.Node) -> Iterator[tuple[str | int, tuple[yaml.Node, yaml.Node]]]:
    """Yield the children of a node: the key or index, and the nodes where the child starts and of its value."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, (key, value)) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, (item, item)) for index, item in enumerate(node.value))
