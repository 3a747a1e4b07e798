"""YAML as a stack's files may have it: JSON's types, no duplicate keys, and limits that every document ends within.

PyYAML alone constructs sets, dates and bytes, fails in many ways on a tag that its value doesn't fit, and expands
aliases without a limit; its composer recurses, in C until the stack ends. So events are counted before it is called.
"""

import re
from itertools import chain
from typing import Any, ClassVar, Final, TypeAlias, cast

import yaml

MOST_LEVELS: Final = 64
"""How deep values may be nested."""

MOST_WEIGHT: Final = 8 * 2**20
"""The size of a document with each alias replaced by its value: the characters, and 40 more for each value.

A node with name, address and host key weighs 500.
"""

LONGEST_NUMBER: Final = 100
"""Python needs quadratic time for long numbers, and doesn't print those of more than 4,300 digits."""

_VALUE_WEIGHT: Final = 40
_TAG: Final = "tag:yaml.org,2002:"
_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class WrittenInt(int):
    """A whole number that was written in another form: 8 as `010`."""

    written: str


class WrittenFloat(float):
    """A number that was written in another form: 1.3 as `1.30`."""

    written: str


Written: TypeAlias = WrittenInt | WrittenFloat


class Loader(_BASE):  # type: ignore[misc]
    """Reads JSON's types. Other tags, duplicate keys, scalars that don't fit their tag are errors; a date is text."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        None: yaml.SafeLoader.yaml_constructors[None],
        **{
            f"{_TAG}{name}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{name}"]
            for name in ("null", "str", "seq", "map")
        },
    }
    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Return a mapping. Raises ConstructorError for a duplicate key."""
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, "duplicate key", key.start_mark)
            seen.add(name)
        return dict(super().construct_mapping(node, deep))

    def construct_scalar_of(self, node: yaml.ScalarNode) -> bool | int | float:
        """Return a boolean or a number. Raises ConstructorError, without the value, which may be a secret's."""
        kind = node.tag.removeprefix(_TAG)
        text = self.construct_scalar(node)
        try:
            if len(text) <= LONGEST_NUMBER:
                value: bool | int | float = yaml.SafeLoader.yaml_constructors[node.tag](self, node)
                return value if isinstance(value, bool) else _as_written(value, text)
        except (ValueError, KeyError, IndexError, OverflowError):
            pass
        must = f"must be a value of type {kind}, of at most {LONGEST_NUMBER} characters"
        raise yaml.constructor.ConstructorError(None, None, must, node.start_mark)


for _type in ("bool", "int", "float"):
    Loader.add_constructor(f"{_TAG}{_type}", Loader.construct_scalar_of)


class GoLoader(Loader):
    """Reads plain scalars as Pulumi does (go-yaml v3, resolve.go): `yes` and `1:30` are text, `1e3` is a number."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] in ("null", "merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_GO_SCALARS: Final = (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
for _type, _pattern, _first in _GO_SCALARS:
    GoLoader.add_implicit_resolver(f"{_TAG}{_type}", re.compile(f"({_pattern})$"), list(_first))


def load_yaml(text: str, loader: type[Loader] = Loader) -> object:
    """Return the document. Raises yaml.YAMLError."""
    return parse_yaml(text, loader)[0]


def parse_yaml(text: str, loader: type[Loader] = Loader) -> tuple[object, yaml.Node | None]:
    """Return the document and its root node; None and None if it is empty. Raises yaml.YAMLError."""
    _limit(text, loader)
    reader = loader(text)
    try:
        root = reader.get_single_node()
        return (None, None) if root is None else (reader.construct_document(root), root)
    finally:
        reader.dispose()


def exceeds_limits(value: object) -> bool:
    """Return whether a value that another reader returned is too deep or too large for a document."""
    weight, level = 0, [value]
    for _ in range(MOST_LEVELS + 1):
        weight += sum(_VALUE_WEIGHT + (len(item) if isinstance(item, str) else 0) for item in level)
        if not level or weight > MOST_WEIGHT:
            break
        inner = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = list(chain.from_iterable(inner))
    return bool(level)


def error_detail(error: yaml.YAMLError) -> str:
    """Return the place and the error, `line 3, column 5: …`, or nothing if PyYAML doesn't know the place."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"character {error.position + 1}: {error.reason}"
    return ""


def _limit(text: str, loader: type[Loader]) -> None:
    """Raise YAMLError for a document that is too deep or too large, or that contains itself."""
    weight = 0
    weights: dict[str, int] = {}
    around: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, loader):
        problem = None
        if isinstance(event, yaml.CollectionStartEvent):
            around.append((event.anchor, weight))
            weights.pop(event.anchor or "", None)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = around.pop()
            weights[anchor or ""] = weight + _VALUE_WEIGHT - before
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in weights and event.anchor in (anchor for anchor, _ in around):
                problem = "an alias must not be in the value that it stands for"
            weight += weights.get(event.anchor or "", 0)
        elif isinstance(event, yaml.ScalarEvent):
            weights[event.anchor or ""] = _VALUE_WEIGHT + len(event.value)
            weight += len(event.value)
        if isinstance(event, yaml.NodeEvent):
            weight += _VALUE_WEIGHT
        if len(around) > MOST_LEVELS:
            problem = f"values must not be nested more than {MOST_LEVELS} levels deep"
        elif weight > MOST_WEIGHT:
            problem = f"there must be fewer values: with aliases expanded they exceed {MOST_WEIGHT // 2**20} MiB"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=cast(yaml.error.Mark, event.start_mark))


def _as_written(value: int | float, text: str) -> int | float:
    if str(value) == text:
        return value
    number = WrittenInt(value) if isinstance(value, int) else WrittenFloat(value)
    number.written = text
    return number
