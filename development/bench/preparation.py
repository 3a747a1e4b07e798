"""What a run needs and keeps in the cache: programs, the contenders' packages, the nodes' root, the cluster's CA."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from development import commands, debian_packages, toolchain
from development.lab import certificates, node_image
from development.lab.loopback import Loopback
from development.paths import Lab, cache_directory
from development.progress import Step, Steps
from development.pulumi_stand_ins import installation
from development.toolchain import build

LAB = Lab(cache_directory() / "bench")
"""The control plane and Pulumi have their files where the lab's have theirs."""

VENV = LAB.project / "venv"
_HERE = Path(__file__).parent
REQUIREMENTS = _HERE / "requirements.txt"
_NODE_PACKAGES = node_image.PACKAGES.replace("linux-image-cloud-amd64", "python3")
"""Ansible needs Python on a node; a container needs no kernel."""


def node_root() -> Path:
    """Return the root file system that all nodes share, Debian as its packages make it. It exists once it is made."""
    recipe = hashlib.sha256(f"{node_image.SUITE} {_NODE_PACKAGES}".encode())
    return LAB.project / f"root-{recipe.hexdigest()[:16]}"


def prepare(project: Path, steps: Steps) -> None:
    """Make what is missing. Raises LabError."""
    LAB.create()
    with steps.step("Debian packages") as step:
        log = LAB.log / "apt-get.log"
        debian_packages.install(step, log, (*debian_packages.PACKAGES, *debian_packages.CONTAINERS))
    for tools in toolchain.needed():
        with steps.step(f"{tools.name} {tools.version}") as step:
            build.build(tools, step, LAB.log / f"{tools.name}-build.log")
    toolchain.link(LAB)
    if toolchain.user_pulumi():
        installation.uninstall(LAB.pulumi_home)
    else:
        installation.install(LAB.pulumi_home, project / ".venv", toolchain.PULUMI.version)
    with steps.step("Ansible, pyinfra, matplotlib"):
        _make_venv(project / ".venv/bin/uv")
    with steps.step("root of the nodes") as step:
        _make_root(step)
    certificates.prepare(LAB, Loopback("127.0.0"))


def _make_venv(uv: Path) -> None:
    installed, log = VENV / "requirements.txt", LAB.log / "venv.log"
    if installed.exists() and installed.read_bytes() == REQUIREMENTS.read_bytes():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    commands.run([uv, "venv", "--quiet", VENV], log=log)
    commands.run(
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", VENV / "bin/python", REQUIREMENTS],
        log=log,
        seconds=1200,
    )
    shutil.copy(REQUIREMENTS, installed)


def _make_root(step: Step) -> None:
    if node_root().exists():
        return
    step.update("from Debian packages, about 2 minutes")
    temporary = Path(tempfile.mkdtemp(dir=LAB.project))
    mmdebstrap = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--include={_NODE_PACKAGES}"]
    try:
        commands.run(
            commands.privileged([*mmdebstrap, node_image.SUITE, temporary]), log=LAB.log / "root.log", seconds=1800
        )
        temporary.chmod(0o755)
        temporary.rename(node_root())
    except BaseException:
        commands.run(commands.privileged(["rm", "-rf", temporary]))
        raise
