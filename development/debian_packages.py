"""The Debian packages that the lab and the tests need on this machine."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from development import commands
from development.errors import LabError
from development.progress import Step

PACKAGES = (
    "csh",  # for tests/components: a login shell
    "e2fsprogs",
    "etcd-server",
    "fish",  # for tests/components: a login shell
    "golang-cfssl",
    "haproxy",
    "iproute2",
    "mmdebstrap",
    "openssh-client",
    "openssh-server",  # for development/pulumi_stand_ins/tests: a server on loopback
    "openssl",  # for development/pulumi_stand_ins/tests
    "qemu-system-x86",
    "qemu-utils",
    "shellcheck",
)
CONTAINERS = ("systemd-container",)
"""What nodes that are containers need besides."""

_INSTALL = Path(__file__).parent / "install_packages.sh"


def missing(packages: Sequence[str] = PACKAGES) -> list[str]:
    """Return the packages that are not installed. Raises LabError on a machine without dpkg."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    try:
        shown = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        raise LabError(f"the lab must run on Debian 12 or later, with the packages {', '.join(packages)}") from None
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def install(step: Step, log: Path, wanted: Sequence[str] = PACKAGES) -> None:
    """Install the missing packages, as root or by `sudo -n`, without starting or enabling their services.

    Raises LabError with the packages' names when that fails.
    """
    packages = missing(wanted)
    if not packages:
        return
    step.update(", ".join(packages))
    try:
        commands.run(commands.privileged(["sh", _INSTALL, *packages]), log=log, seconds=1200)
    except LabError as error:
        needed = f"these Debian packages must be installed: `apt-get install {' '.join(packages)}` as root"
        raise LabError(f"{needed}; the lab's own attempt failed: {error}", log) from error
