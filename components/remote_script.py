"""A stage on a node: one of ``scripts/`` with its payload, run by one SSH command.

The command's text is a short loader, since it is printed whole when a command fails. What the loader unpacks (scripts,
parameters, files) arrives on standard input as a base64 tar archive, in memory (/run), and is always a secret:
nothing of it is in arguments, in the command's text or, in plain, in the state.
"""

import base64
import gzip
import hashlib
import io
import shlex
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pulumi
from pulumi_command import remote

from components.stages import Stage

SCRIPTS = Path(__file__).parent.parent / "scripts"


def payload(stages: Sequence[Stage], parameters: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Returns a gzipped tar archive in base64: the stages' scripts, ``parameters`` for a shell to source, ``files/``.

    The same input gives the same text, so that an unchanged node is an unchanged resource.
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
    """Returns a digest of all scripts: shown on a node, it says why its stages run again when only a script changed."""
    texts = (path.read_bytes() for path in sorted(SCRIPTS.glob("*.sh")))
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


def command_text(stage: Stage) -> str:
    """Returns what the node's login shell is asked to run for a stage; safe in any shell that knows single quotes."""
    loader = (SCRIPTS / "load.sh").read_text(encoding="utf-8")
    return f"exec /bin/sh -c {shlex.quote(loader)} kube-proxy {stage.name}"


def remote_script(
    node: str,
    stage: Stage,
    standard_input: pulumi.Input[str],
    connection: remote.ConnectionArgs,
    *,
    opts: pulumi.ResourceOptions,
    on_delete: Stage | None = None,
) -> remote.Command:
    """Registers the command that runs a stage; ``on_delete`` is the stage that takes away what it did.

    There are no triggers: they would replace the command, and its deletion would run after the new one's creation.
    Changed input runs the same script again, in place.
    """
    return remote.Command(
        f"{node}-{stage.name}",
        connection=connection,
        create=command_text(stage),
        delete=command_text(on_delete) if on_delete else None,
        stdin=pulumi.Output.secret(standard_input),
        add_previous_output_in_env=False,
        logging=remote.Logging.STDERR,
        opts=opts,
    )
