"""The stack's file with what it can't say as comments, the files beside it, and the same remarks for the terminal."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from commands.adopt.running import Running
from documents import yaml_writer
from settings.section import SECRET_KEYS
from settings.stack_file import NAMESPACE
from settings.yaml_reader import GoLoader, load_yaml

INLINE_NODES: Final = 100
"""More nodes than these go to a file of their own."""

_LONGEST: Final = 400
_NAMES: Final = 3


def remarks(
    nodes: Sequence[Running], left_out: Mapping[str, str], changed: Sequence[Sequence[str]], needed: Collection[str]
) -> list[str]:
    """Return what a person must know before the first `pulumi preview`, as printable lines.

    Args:
        nodes: the nodes in the stack.
        left_out: the reason, by the name of each node that is not in the stack.
        changed: the fields of the configuration in force that the stack changes, for each of `nodes`.
        needed: secrets that the stack's file doesn't have yet, of `caPrivateKey` and `sudoPassword`.
    """
    to_do = []
    if "caPrivateKey" in needed:
        to_do.append(
            ("", "give the CA's key: privateKeyFile in kube-proxy:certificateAuthority, or docs/configuration.md")
        )
    if "sudoPassword" in needed:
        to_do.append(("", "give sudo's password: pulumi config set --secret kube-proxy:sudoPassword"))
    if not any(node.authority for node in nodes):
        to_do.append(("", "give the cluster's CA (certificateFile): no kubeconfig had one that can be read"))
    seen = "compare hostKey with the node's own key: it is the one that the node showed, and not in known_hosts"
    to_do += [(node.name, seen) for node in nodes if not node.asked.known]
    first_up = [("", "restarts kube-proxy once on each node: its kubeconfig gets a new client certificate")]
    replaced = "its unit gives way to ours in /etc/systemd/system (service.unitDirectory); a removal puts it back"
    first_up += [(node.name, replaced) for node in nodes if node.hides_unit]
    first_up += [
        (node.name, f"changes {', '.join(names)}") for node, names in zip(nodes, changed, strict=True) if names
    ]
    return [
        *_section("Before the first pulumi preview", to_do),
        *_section("Not in this stack", left_out.items()),
        *_section("Not carried over, or to be checked", [(node.name, note) for node in nodes for note in node.notes]),
        *_section("Before the first pulumi up", [(node.name, text) for node in nodes for text in node.to_do]),
        *_section("The first pulumi up", first_up),
    ]


def stack_text(values: Mapping[str, object], comments: Sequence[str], kept: Mapping[str, object]) -> str:
    """Return the text of a stack's file.

    Args:
        values: the values by key, without the namespace.
        comments: lines for the top.
        kept: what stays of the file that this one replaces; see `kept_of`.
    """
    config = kept.get("config")
    own = {f"{NAMESPACE}{key}": value for key, value in values.items()}
    document = {**kept, "config": {**(config if isinstance(config, Mapping) else {}), **own}}
    return "".join(f"# {line}".rstrip() + "\n" for line in comments) + yaml_writer.dump(document)


def kept_of(file: Path) -> Mapping[str, Any]:
    """Return what a new stack's file keeps of this one: Pulumi's own keys, other programs' configuration, and secrets.

    Raises:
        ValueError: the file is no YAML mapping.
    """
    try:
        document = load_yaml(file.read_text(encoding="utf-8"), GoLoader) or {}
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        document = None
    if not isinstance(document, Mapping):
        raise ValueError(f"{file}: must be a stack's file, of which other keys are kept: move it away")  # noqa: TRY004
    config = document.get("config")
    secret = {f"{NAMESPACE}{key}" for key in SECRET_KEYS}
    others = {
        key: value
        for key, value in (config.items() if isinstance(config, Mapping) else ())
        if key in secret or not str(key).startswith(NAMESPACE)
    }
    return {**document, "config": others}


def write(files: Mapping[Path, str]) -> None:
    """Write the files, each completely or not at all."""
    for path, text in files.items():
        new = path.with_name(f"{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def printable(text: str) -> str:
    """Return one line of printable characters, whatever a node has answered."""
    line = " ".join(text.split())
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _section(title: str, items: Iterable[tuple[str, str]]) -> list[str]:
    """Return the title and a line for each text, with the nodes that it is about."""
    by_text: dict[str, list[str]] = {}
    for name, text in items:
        by_text.setdefault(text, []).append(name)
    lines = [printable(f"- {_names(names)}{text}") for text, names in by_text.items()]
    return [f"{title}:", *lines] if lines else []


def _names(names: Sequence[str]) -> str:
    if not names[0]:
        return ""
    others = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{others}: "
