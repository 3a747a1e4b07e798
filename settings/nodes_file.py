"""The list of nodes, where it stands in a YAML file of its own."""

from typing import Final

import yaml

from settings import yaml_text
from settings.files import Files
from settings.problems import Location

AT: Final[Location] = ("nodesFile",)


def read(name: str, files: Files) -> list[object]:
    """Return the list in the file that `nodesFile` names; an empty one, and a problem, if there is none."""
    text = files.text(name, AT, needed=True)
    try:
        items = None if text is None else yaml.load(text, yaml_text.Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        found = yaml_text.where(error)
        files.problems.invalid(AT, name, f"must name a file in YAML{found and f', not with this in {found}'}")
        return []
    if isinstance(items, list):
        return items
    files.problems.invalid(AT, name, "must name a YAML file with a list of nodes (- name: k8s-node01 …)")
    return []
