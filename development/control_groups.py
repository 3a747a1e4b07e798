"""Control groups of the version 2 hierarchy, each for what one run starts."""

import time
from pathlib import Path

from development.errors import LabError

_END_SECONDS = 20.0


def group(name: str) -> Path:
    """Return the directory of a control group below the hierarchy's root. Raises LabError if none is mounted."""
    for root in _roots("cgroup2"):
        return root / name
    raise LabError("a cgroup2 file system must be mounted")


def remove(name: str) -> None:
    """Remove a control group with all below it, once its processes have ended. Raises LabError if they don't.

    On a machine with hierarchies of version 1, systemd-nspawn makes the group in systemd's own, too.
    """
    deadline = time.monotonic() + _END_SECONDS
    for root in _roots("cgroup", "cgroup2"):
        while (root / name).exists():
            for each in sorted((path.parent for path in (root / name).glob("**/cgroup.procs")), reverse=True):
                try:
                    each.rmdir()
                except OSError as error:  # its last processes are still ending
                    if time.monotonic() > deadline:
                        raise LabError(f"{each} must be empty: end the processes in its cgroup.procs") from error
            time.sleep(0.05)


def _roots(*kinds: str) -> list[Path]:
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in mounts if fields[2] in kinds]
