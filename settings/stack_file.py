"""A stack's configuration as it stands in its file, Pulumi.<stack>.yaml, read without Pulumi and its secrets."""

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
"""Keys whose values are text; all others are structures, which Pulumi also takes as JSON."""


@dataclass(frozen=True)
class StackFile:
    """A stack's values by their keys without the namespace; at the places in `unreadable` stands cipher text."""

    values: Mapping[str, object]
    unreadable: frozenset[Location]
    root: yaml.Node

    def line(self, location: Location) -> int:
        """Return the line where a value stands, or the nearest one around it; the first is 1."""
        node, line = self.root, 1
        for step in ("config", f"{NAMESPACE}{location[0]}", *location[1:]):
            below = dict(_below(node)).get(step)
            if below is None:
                break
            line, node = below[0].start_mark.line + 1, below[1]
        return line


def read_stack_file(path: Path) -> StackFile:
    """Return what a stack's file says.

    Raises:
        ValueError: it can't be read, or is none.
    """
    try:
        text = path.read_text()
        root = yaml.compose(text, yaml_reader.GoLoader)
        document = yaml_reader.load_yaml(text, yaml_reader.GoLoader)
    except OSError as error:
        raise ValueError(f"must be a file that can be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = yaml_reader.error_detail(error) if isinstance(error, yaml.YAMLError) else ""
        raise ValueError(f"must be YAML{reason and f'; {reason}'}") from None
    config = document.get("config") or {} if isinstance(document, Mapping) else None
    if not isinstance(config, Mapping) or root is None:
        raise ValueError(f"must be a stack's configuration: a mapping `config` with keys like {NAMESPACE}cluster")
    own = {str(key).removeprefix(NAMESPACE): value for key, value in config.items() if str(key).startswith(NAMESPACE)}
    secrets: set[Location] = set()
    parsed = {key: parse_value(key, value) if isinstance(value, str) else value for key, value in own.items()}
    values = {key: _plain(value, (key,), secrets) for key, value in parsed.items()}
    return StackFile(values, frozenset(secrets), root)


def parse_value(key: str, value: str) -> object:
    """Return what a text is to this key: itself, or the structure that it is in JSON."""
    if key in _TEXTS:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _plain(value: object, at: Location, secrets: set[Location]) -> object:
    """Return a value with the cipher text in place of each secret (`secure: v1:…`), whose place is noted."""
    if isinstance(value, Mapping):
        if list(value) == ["secure"]:
            secrets.add(at)
            return value["secure"]
        return {key: _plain(item, (*at, key), secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*at, index), secrets) for index, item in enumerate(value)]
    return value


def _below(node: yaml.Node) -> Iterator[tuple[str | int, tuple[yaml.Node, yaml.Node]]]:
    """Yield what is below a node: its step, where it begins, and itself."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, (key, value)) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((index, (item, item)) for index, item in enumerate(node.value))
