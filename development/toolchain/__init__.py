"""The tools that are built from their Go modules: Pulumi's engine, Kubernetes' programs, one kube-proxy per minor.

The `go.mod` and `go.sum` of each directory here pin one module, and so the version of its tools. The built programs
are kept in the cache, under a digest of the two files, the build flags and Go's version, and linked into the lab's
`bin`. A `pulumi` that the user has is used instead of the built one.
"""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from development import commands
from development.errors import LabError
from development.paths import Lab, cache_directory

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class GoTools:
    """Programs of one Go module. The linker sets `version_variables`; without them the tools report no version."""

    name: str
    version: str
    module: Path
    """The directory of the main module, which pins the tools."""
    packages: tuple[str, ...]
    version_variables: tuple[str, ...]

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs: the last element of each package's path."""
        return tuple(package.rsplit("/", 1)[-1] for package in self.packages)

    @property
    def build_flags(self) -> tuple[str, ...]:
        """The flags on which the built programs depend."""
        variables = " ".join(f"-X {variable}" for variable in self.version_variables)
        return ("-trimpath", "-buildvcs=false", f"-ldflags=-s -w {variables}")


def _pinned(module: Path, requirement: str) -> str:
    """Return the version of a requirement in the module's go.mod, without its leading v."""
    found = re.search(
        rf"^(?:require)?\s+{re.escape(requirement)} v(\S+)", (module / "go.mod").read_text(), re.MULTILINE
    )
    if not found:
        raise LabError(f"{module / 'go.mod'} must require {requirement}")
    return found[1]


def _kubernetes(name: str, module: Path, *programs: str) -> GoTools:
    version = _pinned(module, "k8s.io/kubernetes")
    major, minor, _ = version.split(".")
    variables = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return GoTools(
        name,
        version,
        module,
        packages=tuple(f"k8s.io/kubernetes/cmd/{program}" for program in programs),
        version_variables=tuple(f"k8s.io/component-base/version.{key}={value}" for key, value in variables.items()),
    )


def _pulumi(module: Path) -> GoTools:
    version = _pinned(module, "github.com/pulumi/pulumi/pkg/v3")
    return GoTools(
        "pulumi",
        version,
        module,
        packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        version_variables=(f"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",),
    )


PULUMI = _pulumi(_HERE / "pulumi")
KUBERNETES = _kubernetes(
    "kubernetes", _HERE / "kubernetes", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kubectl"
)
KUBE_PROXIES = tuple(_kubernetes("kube-proxy", module, "kube-proxy") for module in sorted(_HERE.glob("kube-proxy-*")))
"""The other supported minors. Only tests use them."""


def user_pulumi() -> Path | None:
    """Return the user's `pulumi` on PATH, or None. One that a lab has built doesn't count; `make env` puts it there."""
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which("pulumi", path=entry)
        if found and not Path(found).resolve().is_relative_to(cache_directory().resolve()):
            return Path(found)
    return None


def needed() -> tuple[GoTools, ...]:
    """Return the tools that a lab needs to start."""
    return (KUBERNETES,) if user_pulumi() else (KUBERNETES, PULUMI)


def installed(tools: GoTools) -> Path:
    """Return the tools' directory in the cache, for their pins and the installed Go. It exists once they are built.

    Raises LabError if Go is missing.
    """
    try:
        go = commands.run(["go", "env", "GOVERSION", "GOARCH"], directory=tools.module)
    except LabError as error:
        raise LabError(f"{error}; Go 1.21 or later builds {', '.join(tools.programs)}") from None
    digest = hashlib.sha256(go.encode())
    for pin in (tools.module / "go.mod", tools.module / "go.sum"):
        digest.update(pin.read_bytes())
    digest.update(" ".join(tools.build_flags).encode())
    return cache_directory() / "toolchain" / f"{tools.name}-{tools.version}-{digest.hexdigest()[:16]}"


def link(lab: Lab) -> None:
    """Fill the lab's `bin` with a link to each built tool, and one to each kube-proxy's version: `kube-proxy-1.36.2`.

    Each kube-proxy has its checksum beside it, `kube-proxy.sha256`, in the format of sha256sum.
    """
    wanted: dict[str, Path] = {}
    for tools in (*needed(), *KUBE_PROXIES):
        if not (directory := installed(tools)).exists():
            continue
        for program in tools.programs:
            # KUBERNETES comes first: the plain name is the version that the dev stack deploys.
            wanted.setdefault(program, directory / program)
            if program == "kube-proxy":
                wanted[f"{program}-{tools.version}"] = directory / program
    for name in {link.name for link in lab.bin.iterdir() if link.is_symlink()} - set(wanted):
        (lab.bin / name).unlink()
    for name, target in wanted.items():
        link = lab.bin / name
        if not link.is_symlink() or link.readlink() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        if target.name == "kube-proxy":
            digest = target.with_name("kube-proxy.sha256").read_text().split()[0]
            (lab.bin / f"{name}.sha256").write_text(f"{digest}  {name}\n")
