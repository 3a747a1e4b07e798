"""What a node needs for its stages, and the commands that use it there.

A hook delivers it over one connection before a node's first command of a run (components/host.py), so none of it is in
the state. It lies on the node under its digest. A command's text has that digest: a stage runs again when anything that
it reads has changed.
"""

import gzip
import hashlib
import io
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from components import generation
from components.privilege import as_root
from components.stages import Stage
from settings import SSH

SCRIPTS = Path(__file__).parent.parent / "scripts"

STATE = PurePosixPath("/var/lib/kube-proxy-generations")

_END = bytes(2 * tarfile.BLOCKSIZE)
"""The end of a tar archive."""


@dataclass(frozen=True)
class Delivery:
    """All scripts, the node's parameters and its files."""

    parameters: Mapping[str, str]
    """Shell variables (components/parameters.py); GENERATION, the digest of the files, is added."""
    files: Mapping[str, str]
    """By name. The kubeconfig is one of them, so a delivery is a secret."""

    @property
    def digest(self) -> str:
        """32 hexadecimal digits of a SHA-256."""
        return hashlib.sha256(f"{_scripts_digest()}\n{self._parameters()}".encode()).hexdigest()[:32]

    def archive(self) -> bytes:
        """Return a gzipped tar archive: the scripts, `parameters` for a shell to source, `files/`."""
        files = {f"files/{name}": text.encode() for name, text in self.files.items()}
        own = _tar({"parameters": self._parameters().encode(), **files})
        return _zipped_scripts() + gzip.compress(own + _END, mtime=0)

    def _parameters(self) -> str:
        parameters = {**self.parameters, "GENERATION": generation.digest(self.files)}
        return "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(parameters.items()))


def command(ssh: SSH, digest: str, *stages: Stage) -> str:
    """Return the command that runs stages of a delivery. It is plain: Pulumi prints it when it fails."""
    return as_root(ssh, "/bin/sh", f"{STATE}/deliveries/{digest}/run.sh", *(stage.name for stage in stages))


def removal_command(ssh: SSH, node: str, stack: str) -> str:
    """Return the command that removes what a stack has deployed to a node, with the scripts of its last activation."""
    return shell(ssh, "start_removal.sh", str(STATE), node, stack)


def shell(ssh: SSH, script: str, *arguments: str) -> str:
    """Return a command with a script's text, in one line."""
    lines = _scripts()[script].decode().splitlines()
    text = "; ".join(line for line in lines if not line.startswith("#"))
    return as_root(ssh, "/bin/sh", "-c", text, "kube-proxy", *arguments)


@cache
def _scripts() -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(SCRIPTS.glob("*.sh"))}


@cache
def _scripts_digest() -> str:
    return hashlib.sha256(b"".join(_scripts().values())).hexdigest()


@cache
def _zipped_scripts() -> bytes:
    """Return the part of an archive that is the same for all nodes. A gzip file may have several members."""
    return gzip.compress(_tar(_scripts()), mtime=0)


def _tar(members: Mapping[str, bytes]) -> bytes:
    """Return a tar archive without its end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()
