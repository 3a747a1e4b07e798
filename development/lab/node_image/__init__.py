"""The disk images that nodes start from: a Debian as its own packages make it, without kube-proxy.

mmdebstrap makes each once for all checkouts; the cache has it under a digest of its recipe. An image is an ext4 file
system without a partition table. The kernel and the initial RAM disk are beside it: QEMU boots them directly.
"""

import hashlib
import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from development import commands
from development.errors import LabError
from development.locks import exclusive
from development.paths import cache_directory
from development.progress import Step

SUITE = "bookworm"
OTHERS = ("trixie", "bullseye", "bookworm")
"""Debian 13, 11 and 12, each with its own kernel, for tests/lab/test_5_other_systems.py."""

_OPTIONS = {
    # /bin is in /usr, as its installer makes it. Debian's archive of security updates may no longer have it.
    "bullseye": (
        "--include=usrmerge",
        '--setup-hook=sed -i /-security/d "$1/etc/apt/sources.list"',
    )
}
PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,kmod,procps,iproute2,openssh-server,curl,"
    "iptables,nftables,ipset,ipvsadm,conntrack,sudo,linux-image-cloud-amd64"
)
CUSTOMIZE = Path(__file__).parent / "customize.sh"
DISK_SIZE = "4G"


@dataclass(frozen=True)
class NodeImage:
    """A directory of the cache with a complete image."""

    directory: Path

    @property
    def disk(self) -> Path:
        """Return the ext4 file system."""
        return self.directory / "disk.ext4"

    @property
    def kernel(self) -> Path:
        """Return the Linux kernel."""
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Return the initial RAM disk."""
        return self.directory / "initrd.img"


def others() -> tuple[str, ...]:
    """Return the suites of OTHERS to test: those in the variable SYSTEM, separated by blanks, else one by the date.

    Raises LabError if SYSTEM names one that the lab doesn't have.
    """
    wanted = os.environ.get("SYSTEM", "").split() or [OTHERS[date.today().toordinal() % len(OTHERS)]]
    if unknown := set(wanted) - set(OTHERS):
        raise LabError(f"SYSTEM must have names of {', '.join(OTHERS)}, has {', '.join(sorted(unknown))}")
    return tuple(wanted)


def image(suite: str) -> NodeImage:
    """Return a suite's image by the current recipe; it may not be made yet."""
    recipe = "\n".join([suite, *_options(suite), PACKAGES, DISK_SIZE, CUSTOMIZE.read_text()])
    return NodeImage(cache_directory() / "node-image" / hashlib.sha256(recipe.encode()).hexdigest()[:16])


def make(suite: str, step: Step, log: Path) -> NodeImage:
    """Return a suite's image; make it if the cache doesn't have it. Raises LabError when mmdebstrap fails."""
    made = image(suite)
    if made.directory.exists():
        return made
    parent = made.directory.parent
    with exclusive(parent / "lock", lambda: step.update("waiting for another lab to make it")):
        for abandoned in parent.glob("*.tmp"):
            shutil.rmtree(abandoned)
        if not made.directory.exists():
            step.update("from Debian packages, about 2 minutes")
            temporary = Path(tempfile.mkdtemp(suffix=".tmp", dir=parent))
            _bootstrap(suite, NodeImage(temporary), log)
            temporary.rename(made.directory)
    return made


def _options(suite: str) -> tuple[str, ...]:
    return _OPTIONS.get(suite, ())


def _bootstrap(suite: str, target: NodeImage, log: Path) -> None:
    for file in (target.disk, target.kernel, target.initrd):
        file.touch()  # the hook, which runs as root, fills them; the user owns them
    hook = shlex.join(["sh", str(CUSTOMIZE)]) + ' "$1" ' + shlex.join([str(target.directory), DISK_SIZE])
    mmdebstrap = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=null", f"--include={PACKAGES}"]
    command = [*mmdebstrap, *_options(suite), f"--customize-hook={hook}", suite, "/dev/null"]
    commands.run(commands.privileged(command), log=log, seconds=1800)
