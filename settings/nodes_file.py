"""The list of nodes, where it stands in a YAML file of its own."""

from typing import Final

import yaml

from settings.files import Files
from settings.problems import Location

AT: Final[Location] = ("nodesFile",)


def read(name: str, files: Files) -> list[object]:
    """Return the list in the file that `nodesFile` names; an empty one, and a problem, if there is none."""
    text = files.text(name, AT)
    try:
        items = None if text is None else yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f": see line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        files.problems.invalid(AT, name, f"must name a YAML file{where}")
        return []
    if isinstance(items, list):
        return items
    files.problems.invalid(AT, name, "must name a YAML file with a list of nodes (- name: k8s-node01 …)")
    return []
