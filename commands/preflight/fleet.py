"""The nodes of a stack's file and what preflight needs on each. The stack's CA is not read: preflight needs none."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from components import generation
from components.delivery import Delivery
from components.parameters import node_parameters
from settings import NodeSettings, Problem, SettingsError, load
from settings.load import find_problems
from settings.stack_file import NAMESPACE, StackFile, parse_value, read_stack_file
from settings.yaml_reader import load_yaml

_CERTIFICATE_KEYS: Final = ("certificateAuthority", "clientCertificate", "caPrivateKey", "adminKubeconfig")

_PROJECT: Final = Path(__file__).parents[2] / "Pulumi.yaml"
_SECONDS: Final = 120


class InputError(ValueError):
    """The stack's file can't be used; the lines say why."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def read_fleet(file: Path, mode: str | None) -> list[tuple[NodeSettings, Delivery]]:
    """Return the nodes, each with what `pulumi up` delivers to it, but for the kubeconfig and the certificate's dates.

    Args:
        file: the stack's file.
        mode: takes the place of `configuration.mode`. A node's own `configuration.mode` stays.

    Raises:
        InputError: the file has an error, or a secret in it can't be read.
    """
    name = re.fullmatch(r"Pulumi\.([A-Za-z0-9_.-]+)\.yaml", file.name)
    if name is None:
        raise InputError([f"{file}: must be named Pulumi.<stack>.yaml"])
    try:
        stack = read_stack_file(file)
    except ValueError as error:
        raise InputError([f"{file}: {error}"]) from None
    values, directory = _with_mode(stack.values, mode), file.absolute().parent
    if errors := [problem for problem in find_problems(values, directory, stack.unreadable) if problem.kind]:
        raise _refused(file, stack, errors)
    values = {key: value for key, value in values.items() if key not in _CERTIFICATE_KEYS}
    for key in sorted({str(at[0]) for at in stack.unreadable if at[0] in values}):
        values[key] = parse_value(key, _secret(file, name[1], key))
    try:
        settings = load({**values, "certificateAuthority": {"generate": True}}, directory)
    except SettingsError as error:
        raise _refused(file, stack, error.problems) from None
    # The organization is known to Pulumi's backend only; preflight compares the end of the name (check_unit).
    full_name = f"{_project()}/{name[1]}"
    return [
        (node, Delivery(node_parameters(settings, node, full_name), generation.render(settings, node)))
        for node in settings.nodes
    ]


def _with_mode(values: Mapping[str, object], mode: str | None) -> dict[str, Any]:
    configuration = values.get("configuration") or {}
    if mode is None or not isinstance(configuration, Mapping):
        return dict(values)
    return {**values, "configuration": {**configuration, "mode": mode}}


def _refused(file: Path, stack: StackFile, problems: Iterable[Problem]) -> InputError:
    lines = [(stack.line(problem.location), str(problem)) for problem in problems]
    return InputError(f"{file}:{line}: error: {problem}" for line, problem in sorted(lines, key=lambda found: found[0]))


def _secret(file: Path, stack: str, key: str) -> str:
    """Return a secret of the stack, which Pulumi decrypts."""
    path = file.absolute()
    command = ["pulumi", "config", "get", f"{NAMESPACE}{key}", "--stack", stack, "--non-interactive"]
    shown = " ".join(command)
    where = ["--cwd", str(path.parent), "--config-file", str(path)]
    try:
        done = subprocess.run(
            [*command, *where],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        reason = " ".join(done.stderr.split())[-500:] or f"exit status {done.returncode}"
    except FileNotFoundError:
        reason = "pulumi is not installed here"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    else:
        if done.returncode == 0:
            return done.stdout.removesuffix("\n")
    must = f"is encrypted, so this must print it: {shown}: {reason}"
    instead = "; a login with ssh.privateKeyFile or ssh.agent needs no secret" if key == "sshPrivateKey" else ""
    raise InputError([f"{file}: error: {key}: {must}{instead}"])


def _project() -> str:
    document = load_yaml(_PROJECT.read_text())
    return str(document["name"]) if isinstance(document, Mapping) else ""
