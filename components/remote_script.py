"""A stage on a node: one of `scripts/` with its payload, run by one SSH command.

The command's text is a short loader, because Pulumi prints the text of a command that fails. The loader unpacks its
standard input in memory (/run): a base64 tar archive with scripts, parameters and files. The archive is a secret:
nothing of it is in arguments, in the command's text or in plain text in the state.
"""

import base64
import gzip
import hashlib
import io
import shlex
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.stages import Stage

SCRIPTS = Path(__file__).parent.parent / "scripts"


def payload(stages: Sequence[Stage], parameters: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Return a gzipped tar archive in base64: the stages' scripts, `parameters` for a shell to source, `files/`.

    The same arguments give the same text, so an unchanged node is an unchanged resource.
    """
    names = {f"{stage.name}.sh" for stage in stages}.union(*(stage.scripts for stage in stages))
    members = {name: (SCRIPTS / name).read_text(encoding="utf-8") for name in names}
    members["parameters"] = "".join(f"{key}={shlex.quote(value)}\n" for key, value in sorted(parameters.items()))
    members |= {f"files/{name}": text for name, text in files.items()}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(members):
            content = members[name].encode()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o600
            tar.addfile(member, io.BytesIO(content))
    return base64.b64encode(gzip.compress(archive.getvalue(), mtime=0)).decode()


def scripts_digest() -> str:
    """Return a digest of all scripts. In a preview it explains why stages run again although no file has changed."""
    texts = (path.read_bytes() for path in sorted(SCRIPTS.glob("*.sh")))
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


def command_text(stage: Stage) -> str:
    """Return the command for the node's login shell, which needs to know only single quotes."""
    loader = (SCRIPTS / "load.sh").read_text(encoding="utf-8")
    return f"exec /bin/sh -c {shlex.quote(loader)} kube-proxy {stage.name}"
