"""Write a stack from the kube-proxies that already run.

`python -m commands.adopt Pulumi.prod.yaml --inventory hosts.ini`

It logs in to each node, reads, and changes nothing there. It writes the stack's file, the CA's certificate and, for a
large fleet, the nodes' file beside it. No private key is read on a node. The exit status is 1 if a node is not in the
stack, or if nothing was written; otherwise 0.
"""

import argparse
import asyncio
import getpass
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncssh
from pydantic import SecretStr

from commands import validate
from commands.adopt import report, sources, stack
from commands.adopt.question import Asked, Login, ask_all
from commands.adopt.running import NotAdoptableError, Running, read_running
from documents import yaml_writer
from settings import SSH
from settings.files import read_file
from settings.private_keys import ssh_key
from settings.stack_file import NAMESPACE


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the nodes, write the files, print the remarks, and return the exit status."""
    options = _options(arguments)
    try:
        return _adopt(options)
    except (ValueError, OSError) as error:
        print(report.printable(str(error)), file=sys.stderr)
        return 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m commands.adopt",
        description="Write a stack from the kube-proxies that already run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    options: list[tuple[str, str, dict[str, Any]]] = [
        ("file", "Pulumi.<stack>.yaml, to be written", {"type": Path}),
        ("nodes", "a node and where its SSH server answers", {"nargs": "*", "metavar": "NAME=ADDRESS"}),
        ("--inventory", "an Ansible inventory with the nodes", {"type": Path, "metavar": "FILE"}),
        ("--group", "the inventory's group with the workers", {"default": "all"}),
        (
            "--kubectl",
            "output of `kubectl get nodes -o json`; without FILE it is run",
            {"nargs": "?", "const": "", "metavar": "FILE"},
        ),
        ("--user", "the SSH user, if the inventory has none", {"default": "root"}),
        ("--port", "the SSH port, if the inventory has none", {"type": sources.port, "default": 22}),
        (
            "--ssh-key",
            "the private key, if the inventory has none",
            {"default": "~/.ssh/id_ed25519", "metavar": "FILE"},
        ),
        ("--agent", "use the SSH agent's keys instead of a file", {"action": "store_true"}),
        (
            "--ask-sudo-password",
            "ask for the password that sudo wants of users other than root",
            {"action": "store_true"},
        ),
        (
            "--bastion",
            "the host through which the nodes are reached; it gets the same key",
            {"type": sources.bastion, "metavar": "[USER@]HOST[:PORT]"},
        ),
        ("--known-hosts", "host keys that are known", {"default": "~/.ssh/known_hosts", "metavar": "FILE"}),
        ("--force", "replace existing files; secrets in the stack's file are kept", {"action": "store_true"}),
    ]
    for name, text, settings in options:
        parser.add_argument(name, help=text, **settings)
    return parser.parse_intermixed_args(arguments)  # nodes may come after options


def _adopt(options: argparse.Namespace) -> int:
    ca_file, nodes_file = _other_files(options)
    kept = report.kept_of(options.file)
    hosts = _hosts(options)
    print(f"nodes to ask: {len(hosts)}", file=sys.stderr)
    keys = _keys(options, hosts)
    login = Login(options.user, options.port, options.bastion, _sudo_password() if options.ask_sudo_password else None)
    asked, bastion = asyncio.run(ask_all(hosts, login, keys, _expanded(options.known_hosts)))
    nodes, left_out = _running(hosts, asked)
    if not nodes:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in left_out.items())
        raise ValueError(f"no node has a kube-proxy that can be adopted: {reasons}")
    values = stack.compose(nodes, ca_file.name, None if options.agent else options.ssh_key, bastion)
    secrets = kept.get("config", {})
    if f"{NAMESPACE}sshPrivateKey" in secrets:
        values["ssh"].pop("privateKeyFile", None)
    changed = stack.changed_fields(values, nodes)
    needed = {"caPrivateKey"} | ({"sudoPassword"} if options.ask_sudo_password else set())
    comments = report.remarks(nodes, left_out, changed, {key for key in needed if f"{NAMESPACE}{key}" not in secrets})
    files = {ca_file: stack.authority(nodes)} if "certificateAuthority" in values else {}
    if len(nodes) > report.INLINE_NODES:
        files[nodes_file] = yaml_writer.dump(values["nodes"])
        values = _with_nodes_file(values, nodes_file.name)
    by = f"Written by python -m commands.adopt from what runs on {len(nodes)} nodes; see docs/take-over.md."
    files[options.file] = report.stack_text(values, [by, *comments], kept)
    report.write(files)
    _print(nodes, comments, files, bastion)
    validate.main([str(options.file)])
    return int(bool(left_out))


def _other_files(options: argparse.Namespace) -> tuple[Path, Path]:
    """Return where the CA and the nodes go. Raises ValueError if a file is there, without --force."""
    name = re.fullmatch(r"Pulumi\.([A-Za-z0-9_.-]+)\.yaml", options.file.name)
    if name is None:
        raise ValueError(f"{options.file}: must be named Pulumi.<stack>.yaml")
    others = options.file.with_name(f"{name[1]}-ca.pem"), options.file.with_name(f"{name[1]}-nodes.yaml")
    for path in (options.file, *others):
        if path.exists() and not options.force:
            raise ValueError(f"{path}: must not exist: move it away, or replace it with --force (keeps its secrets)")
    return others


def _hosts(options: argparse.Namespace) -> list[sources.Host]:
    given = [options.inventory is not None, options.kubectl is not None, bool(options.nodes)]
    if sum(given) != 1:
        raise ValueError("name the nodes in one way: --inventory FILE, --kubectl [FILE], or NAME=ADDRESS …")
    if options.inventory is not None:
        return sources.from_inventory(options.inventory, options.group)
    if options.kubectl is not None:
        return sources.from_kubectl(options.kubectl)
    return sources.from_arguments(options.nodes)


def _keys(options: argparse.Namespace, hosts: Sequence[sources.Host]) -> Mapping[str | None, SecretStr | None]:
    """Return the SSH keys by the name of the file that a host has. Raises ValueError."""
    keys: dict[str | None, SecretStr | None] = {None: None} if options.agent else {}
    needed = {host.private_key_file for host in hosts} | ({None} if options.bastion else set())
    for file in needed - set(keys):
        path = file or options.ssh_key
        try:
            keys[file] = ssh_key(read_file(_expanded(path)).decode())
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: must be an SSH private key: {error}; name it with --ssh-key") from None
    return keys


def _sudo_password() -> SecretStr:
    """Ask for it on the terminal. Raises ValueError."""
    try:
        password = getpass.getpass("sudo password: ")
        password.encode()
    except (EOFError, KeyboardInterrupt):
        raise ValueError("the sudo password must be given; no node was asked") from None
    except UnicodeError:  # its text has a part of the password
        raise ValueError("the sudo password must be UTF-8 text") from None
    if not password:
        raise ValueError("the sudo password must not be empty")
    return SecretStr(password)


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{name}: {error}") from None


def _running(hosts: Sequence[sources.Host], asked: Sequence[Asked | str]) -> tuple[list[Running], dict[str, str]]:
    """Return the nodes to adopt, and the reasons why others are not."""
    nodes: list[Running] = []
    left_out: dict[str, str] = {}
    for host, answer in zip(hosts, asked, strict=True):
        if isinstance(answer, str):
            left_out[host.label] = answer
            continue
        try:
            node = read_running(answer)
        except NotAdoptableError as error:
            left_out[host.label] = str(error)
            continue
        if other := next((other for other in nodes if node.name == other.name or node.address == other.address), None):
            left_out[host.label] = (
                f"says that it is Node {node.name} at {node.address}, as does {other.asked.host.label}"
            )
        else:
            nodes.append(node)
    return nodes, left_out


def _with_nodes_file(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        ("nodesFile" if key == "nodes" else key): name if key == "nodes" else value for key, value in values.items()
    }


def _print(nodes: Sequence[Running], comments: Sequence[str], files: Mapping[Path, str], bastion: SSH | None) -> None:
    unknown = {node.name: node.asked.host_key for node in nodes if not node.asked.known}
    for name, host_key in {**({"bastion": bastion.host_key} if bastion else {}), **unknown}.items():
        key = asyncssh.import_public_key(host_key)
        print(f"{name}: host key {key.get_fingerprint()} {key.get_algorithm()}", file=sys.stderr)
    print("\n".join(comments), file=sys.stderr)
    print("\n".join(f"wrote {path}" for path in files))


if __name__ == "__main__":
    sys.exit(main())
