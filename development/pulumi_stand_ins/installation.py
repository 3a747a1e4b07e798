"""Links to the launchers among the engine's installed plugins: there it finds them, and without a warning each time."""

from pathlib import Path

from development.pulumi_stand_ins import LAUNCHERS
from development.pulumi_stand_ins.language_python.project import Project


def install(pulumi_home: Path, virtualenv: Path, engine_version: str) -> None:
    """Link each stand-in as the version that the virtualenv's SDK asks for; the language host has the engine's."""
    served = {f"resource-{package.name}-{package.version}" for package in Project(virtualenv).packages()}
    for name in [*served, f"language-python-v{engine_version}"]:
        launcher = LAUNCHERS / f"pulumi-{name.rsplit('-', 1)[0]}"
        link = pulumi_home / "plugins" / name / launcher.name
        if launcher.exists() and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(launcher)


def uninstall(pulumi_home: Path) -> None:
    """Take the links away, for an engine that fetches the official plugins."""
    for link in (pulumi_home / "plugins").glob("*/pulumi-*"):
        if link.is_symlink():
            link.unlink()
            link.parent.rmdir()
