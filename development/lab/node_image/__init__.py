"""The disk image that all nodes start from: Debian 12 as its own packages make it, without kube-proxy.

mmdebstrap makes it once for all checkouts; the cache has it under a digest of its recipe. The image is an ext4 file
system without a partition table. The kernel and the initial RAM disk are beside it: QEMU boots them directly.
"""

import hashlib
import shlex
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from development import commands
from development.locks import exclusive
from development.paths import cache_directory
from development.progress import Step

SUITE = "bookworm"
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


def image() -> NodeImage:
    """Return the image of the current recipe, which may not be made yet."""
    recipe = "\n".join([SUITE, PACKAGES, DISK_SIZE, CUSTOMIZE.read_text()])
    return NodeImage(cache_directory() / "node-image" / hashlib.sha256(recipe.encode()).hexdigest()[:16])


def make(step: Step, log: Path) -> NodeImage:
    """Return the image; make it if the cache doesn't have it. Raises LabError when mmdebstrap fails."""
    made = image()
    if made.directory.exists():
        return made
    parent = made.directory.parent
    with exclusive(parent / "lock", lambda: step.update("waiting for another lab to make it")):
        for abandoned in parent.glob("*.tmp"):
            shutil.rmtree(abandoned)
        if not made.directory.exists():
            step.update("from Debian packages, about 2 minutes")
            temporary = Path(tempfile.mkdtemp(suffix=".tmp", dir=parent))
            _bootstrap(NodeImage(temporary), log)
            temporary.rename(made.directory)
    return made


def _bootstrap(target: NodeImage, log: Path) -> None:
    for file in (target.disk, target.kernel, target.initrd):
        file.touch()  # the hook, which runs as root, fills them; the user owns them
    hook = shlex.join(["sh", str(CUSTOMIZE)]) + ' "$1" ' + shlex.join([str(target.directory), DISK_SIZE])
    mmdebstrap = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=null", f"--include={PACKAGES}"]
    command = [*mmdebstrap, f"--customize-hook={hook}", SUITE, "/dev/null"]
    commands.run(commands.privileged(command), log=log, seconds=1800)
