"""The list of nodes, where it stands in a YAML file of its own."""

from typing import Final

import yaml

from settings.files import Files
from settings.problems import Location

AT: Final[Location] = ("nodesFile",)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which refuses a key that stands twice, as Pulumi does in its own files."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key.start_mark)
            seen.add(str(key.value))
        return dict(super().construct_mapping(node, deep))


def read(name: str, files: Files) -> list[object]:
    """Return the list in the file that `nodesFile` names; an empty one, and a problem, if there is none."""
    text = files.text(name, AT)
    try:
        items = None if text is None else yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        found = ""
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
            mark = error.problem_mark
            found = f", not with this in line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
        files.problems.invalid(AT, name, f"must name a file in YAML{found}")
        return []
    if isinstance(items, list):
        return items
    files.problems.invalid(AT, name, "must name a YAML file with a list of nodes (- name: k8s-node01 …)")
    return []
