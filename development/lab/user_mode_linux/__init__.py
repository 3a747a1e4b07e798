"""The nodes' kernel on a machine without KVM: user-mode Linux, a program that needs no privilege and no emulation.

Debian's own program lacks nftables, and that of Debian 12 starts programs by ptrace, which is slow. So a newer Linux is
compiled from Debian's source, once for all checkouts; the cache has it under a digest of its recipe. The reasons are in
docs/decisions/0019-nodes-without-kvm-run-user-mode-linux.md.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from development import commands
from development.errors import LabError
from development.lab import qemu, topology
from development.locks import exclusive
from development.paths import cache_directory
from development.progress import Step

PACKAGES = ("bc", "bison", "flex", "gcc", "kmod", "libc6-dev", "make", "xz-utils")
"""What compiles it."""

MEMORY = Path("/dev/shm")  # noqa: S108
"""Where the nodes' memory is, as files without a name."""

_HERE = Path(__file__).parent
_CONFIG = _HERE / "kernel.config"
_BUILD = _HERE / "build.sh"
_SUITE = "trixie"
_BACKPORTS = f"{_SUITE}-backports"
_ADD_BACKPORTS = (
    f"sed -n 's/ {_SUITE} main$/ {_BACKPORTS} main/p' "
    '"$1/etc/apt/sources.list" >"$1/etc/apt/sources.list.d/backports.list"'
)
_DOWNLOAD = [
    "mmdebstrap",
    "--quiet",
    "--mode=root",
    "--variant=extract",
    f"--include=linux-source/{_BACKPORTS}",
    f"--setup-hook={_ADD_BACKPORTS}",
    _SUITE,
]
_FILES = 1200
"""About as many are compiled."""


@dataclass(frozen=True)
class Kernel:
    """A directory of the cache with a complete kernel."""

    directory: Path

    @property
    def program(self) -> Path:
        """Return the kernel: a program that needs no privilege."""
        return self.directory / "linux"

    @property
    def modules(self) -> Path:
        """Return the directory in which a node's `lib/modules` is."""
        return self.directory / "modules"


def helps() -> bool:
    """Tell whether new nodes are faster with it: without KVM, where there is room for their memory."""
    if qemu.has_kvm() or not MEMORY.exists():
        return False
    memory = os.statvfs(MEMORY)
    room = memory.f_bavail * memory.f_frsize
    return room >= len(topology.WORKERS) * qemu.MEMORY_MIB << 20 and not memory.f_flag & os.ST_NOEXEC


def kernel() -> Kernel:
    """Return the kernel by the current recipe; it may not be made yet."""
    recipe = "\n".join([*_DOWNLOAD, _CONFIG.read_text(), _BUILD.read_text()])
    return Kernel(cache_directory() / "user-mode-linux" / hashlib.sha256(recipe.encode()).hexdigest()[:16])


def make(step: Step, log: Path) -> None:
    """Make the kernel if the cache doesn't have it. Raises LabError when that fails."""
    made = kernel()
    if made.directory.exists():
        return
    parent = made.directory.parent
    with exclusive(parent / "lock", lambda: step.update("waiting for another lab to make it")):
        for abandoned in parent.glob("*.tmp"):
            shutil.rmtree(abandoned)
        if not made.directory.exists():
            temporary = Path(tempfile.mkdtemp(suffix=".tmp", dir=parent))
            _build(temporary, step, log)
            temporary.rename(made.directory)


def _build(target: Path, step: Step, log: Path) -> None:
    step.update("downloading its source")
    archive = target / "source.tar"
    commands.run(commands.privileged([*_DOWNLOAD, archive]), log=log, seconds=1200)
    done = 0

    def show_progress(line: str) -> None:
        nonlocal done
        done += line.startswith(("CC ", "LD "))
        step.update(f"{done} of about {_FILES} files" if done else "configuring")

    build = ["sh", str(_BUILD), str(archive), str(_CONFIG), str(target)]
    # Options and variables of `make prepare` are not for the make of Linux.
    own = {"MAKEFLAGS": "--no-print-directory"}
    status, lines = commands.follow(build, log=log, directory=target, environment=own, on_line=show_progress)
    if status:
        raise LabError(f"user-mode Linux: {lines[-1] if lines else f'ended with status {status}'}", log)
