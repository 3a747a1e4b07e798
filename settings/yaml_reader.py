"""YAML, in which a duplicate key is an error, as it is to Pulumi."""

import re
from typing import ClassVar, Final

import yaml


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Return a mapping. Raises ConstructorError for a duplicate key."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, "duplicate key", key.start_mark)
            seen.add(name)
        return dict(super().construct_mapping(node, deep))


class GoLoader(Loader):
    """Reads plain scalars as Pulumi does (go-yaml v3, resolve.go): `yes` and `1:30` are text, `1e3` is a number."""

    yaml_implicit_resolvers: ClassVar = {  # type: ignore[misc]
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
for _tag, _pattern, _first in _GO_SCALARS:
    GoLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"({_pattern})$"), list(_first))


def load_yaml(text: str, loader: type[Loader] = Loader) -> object:
    """Return the document. Raises yaml.YAMLError."""
    return yaml.load(text, loader)  # noqa: S506 - a safe loader


def error_detail(error: yaml.YAMLError) -> str:
    """Return the place and the error, `line 3, column 5: …`, or nothing if PyYAML doesn't know the place."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    return ""
