"""A project's Python: its interpreter, and the Pulumi packages that are installed for it.

The options are those of the official host's `pip` toolchain (sdk/python/toolchain).
"""

import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import language_pb2, plugin_pb2


class ProjectError(Exception):
    """The project's Python can't be used. The message has the way out."""


@dataclass(frozen=True)
class PythonProject:
    """A project's options, from `runtime` in Pulumi.yaml."""

    virtualenv: Path | None
    """None if the project names none; then the language host's interpreter runs the program."""

    @property
    def python(self) -> Path:
        """The interpreter. Raises ProjectError if the virtualenv has none."""
        if self.virtualenv is None:
            return Path(sys.executable)
        python = self.virtualenv / "bin" / "python"
        if not python.is_file():
            raise ProjectError(
                f"the 'virtualenv' option in Pulumi.yaml must name a virtual environment; {self.virtualenv} isn't one. "
                f"Create it: python3 -m venv {self.virtualenv} && {python} -m pip install -r requirements.txt"
            )
        return python

    def environment(self, ambient: Mapping[str, str]) -> dict[str, str]:
        """Return the ambient variables with the virtualenv activated."""
        if self.virtualenv is None:
            return dict(ambient)
        kept = {name: value for name, value in ambient.items() if name != "PYTHONHOME"}
        path = os.pathsep.join([str(self.virtualenv / "bin"), *filter(None, [ambient.get("PATH")])])
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.virtualenv)}

    def packages(self) -> list[plugin_pb2.PackageDependency]:
        """Return the plugins that the installed SDKs name in their pulumi-plugin.json, sorted by name."""
        found = [json.loads(path.read_bytes()) for path in self._site_packages().glob("*/pulumi-plugin.json")]
        return [
            plugin_pb2.PackageDependency(
                name=package["name"],
                kind="resource",
                version=f"v{package['version']}",
                server=package.get("server", ""),
            )
            for package in sorted(found, key=lambda package: str(package["name"]))
            if package.get("resource")
        ]

    def _site_packages(self) -> Path:
        if self.virtualenv is None:
            return Path(sysconfig.get_path("purelib"))
        return next(self.virtualenv.glob("lib/python3.*/site-packages"), self.virtualenv)


def python_project(info: language_pb2.ProgramInfo) -> PythonProject:
    """Return the project of a request. Raises ProjectError for unknown options."""
    options: dict[str, Any] = json_format.MessageToDict(info.options)
    toolchain = options.pop("toolchain", "pip")
    virtualenv = options.pop("virtualenv", None)
    if toolchain != "pip" or options:
        raise ProjectError(
            "runtime options in Pulumi.yaml must be `toolchain: pip` and `virtualenv`; "
            f"got toolchain: {toolchain}{''.join(f', {name}' for name in options)}. This stand-in knows no other; "
            "with the official language host first on PATH they work"
        )
    return PythonProject(None if virtualenv is None else Path(info.root_directory, virtualenv))
