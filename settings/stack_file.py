"""A stack's configuration file, Pulumi.<stack>.yaml, read without Pulumi and without its secrets."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from settings import yaml_reader
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

    def line(self, location: Location) -> int:
        """Return the line of a value, or of the nearest value around it. The first line is 1."""
        node, line = self.root, 1
        for step in ("config", f"{NAMESPACE}{location[0]}", *location[1:]):
            below = dict(_below(node)).get(step)
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
        text = path.read_text()
        root = yaml.compose(text, yaml_reader.GoLoader)
        document = yaml_reader.load_yaml(text, yaml_reader.GoLoader)
    except OSError as error:
        raise ValueError(f"must be a readable file: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = yaml_reader.error_detail(error) if isinstance(error, yaml.YAMLError) else ""
        raise ValueError(f"must be YAML{reason and f'; {reason}'}") from None
    config = document.get("config") or {} if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping) or root is None:
        raise ValueError(f"must be a stack's file, with a mapping `config` of keys like {NAMESPACE}cluster")
    own = {str(key).removeprefix(NAMESPACE): value for key, value in config.items() if str(key).startswith(NAMESPACE)}
    secrets: set[Location] = set()
    parsed = {key: parse_value(key, value) if isinstance(value, str) else value for key, value in own.items()}
    values = {key: _plain(value, (key,), secrets) for key, value in parsed.items()}
    return StackFile(values, frozenset(secrets), root)


def parse_value(key: str, value: str) -> object:
    """Return the value of a key that is given as text: the text itself, or the structure that it is in JSON."""
    if key in _TEXTS:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


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
