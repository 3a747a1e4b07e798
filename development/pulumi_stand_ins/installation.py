"""Link the launchers among the engine's installed plugins. For plugins on PATH it would print a warning in each run."""

from pathlib import Path

from development.pulumi_stand_ins import LAUNCHERS
from development.pulumi_stand_ins.language_python.project import PythonProject


def install(pulumi_home: Path, virtualenv: Path, engine_version: str) -> None:
    """Link each stand-in with the version of the virtualenv's SDK, and the language host with the engine's version."""
    served = {f"resource-{package.name}-{package.version}" for package in PythonProject(virtualenv).packages()}
    for name in [*served, f"language-python-v{engine_version}"]:
        launcher = LAUNCHERS / f"pulumi-{name.rsplit('-', 1)[0]}"
        link = pulumi_home / "plugins" / name / launcher.name
        if launcher.exists() and not (link.is_symlink() and link.readlink() == launcher):
            link.parent.mkdir(parents=True, exist_ok=True)
            # The benchmark's installation is shared: the link may lead to another checkout, which may be gone.
            link.unlink(missing_ok=True)
            link.symlink_to(launcher)


def uninstall(pulumi_home: Path) -> None:
    """Remove the links, for an engine that downloads the official plugins."""
    for link in (pulumi_home / "plugins").glob("*/pulumi-*"):
        if link.is_symlink():
            link.unlink()
            link.parent.rmdir()
