"""The nodes to ask: from an Ansible inventory, from kubectl, or from the command line.

Ansible's own program reads the inventory, so that groups, ranges, group_vars and plugins mean what they mean to
Ansible. It runs as a process: it is under the GPL.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = 120
_STRICT: Final = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
"""Otherwise an inventory that Ansible can't read is an empty one."""


@dataclass(frozen=True)
class Host:
    """A host to ask. `label` is its name in messages; None in the other fields means that the source has no value."""

    label: str
    host: str
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    node_name: str | None = None
    address: str | None = None
    """The node's InternalIP."""


def from_inventory(file: Path, group: str) -> list[Host]:
    """Return the hosts of a group of an Ansible inventory, and of the groups below it.

    Raises:
        ValueError: Ansible is not installed or can't read the file, or the group has no hosts.
    """
    program = shutil.which("ansible-inventory") or shutil.which("ansible-inventory", path=Path(sys.executable).parent)
    if program is None:
        raise ValueError(
            "reading an inventory needs Ansible's ansible-inventory: install it (pip install ansible-core), "
            "or name the nodes on the command line (k8s-node01=192.168.99.101 …)"
        )
    listed = _run([program, "-i", str(file), "--list"])
    names = list(dict.fromkeys(_members(listed, group, set())))
    if not names:
        groups = ", ".join(name for name in listed if name != "_meta")
        raise ValueError(f'{file}: group "{group}" must have hosts; groups of the inventory: {groups or "none"}')
    variables = _mapping(_mapping(listed.get("_meta")).get("hostvars"))
    return [_inventory_host(name, _mapping(variables.get(name))) for name in names]


def from_kubectl(file: str) -> list[Host]:
    """Return the Linux nodes of `kubectl get nodes -o json`, read from a file or, if that is "", by running it.

    Raises:
        ValueError: kubectl fails, or the file has no nodes.
    """
    text = Path(file).read_text(encoding="utf-8") if file else ""
    listed = _json(text, file) if file else _run(["kubectl", "get", "nodes", "-o", "json"])
    hosts = [host for item in _list(listed.get("items")) if (host := _kubernetes_host(_mapping(item)))]
    if not hosts:
        raise ValueError(f"{file or 'kubectl get nodes'}: must list nodes with an InternalIP, has none")
    return hosts


def from_arguments(nodes: Sequence[str]) -> list[Host]:
    """Return the hosts of `k8s-node01=192.168.99.101 …`.

    Raises:
        ValueError: an argument is not NAME=ADDRESS.
    """
    hosts = []
    for node in nodes:
        name, _, host = node.partition("=")
        if not name or not host:
            raise ValueError(f'"{node}" must be NAME=ADDRESS (e.g. k8s-node01=192.168.99.101)')
        hosts.append(Host(name, host, node_name=name))
    return hosts


def port(text: str) -> int:
    """Return the number of a TCP port. Raises ValueError."""
    if not 0 < (number := int(text)) < 65536:
        raise ValueError
    return number


def bastion(text: str) -> tuple[str, str, int]:
    """Return user, host and port of `[USER@]HOST[:PORT]`, as in ssh's ProxyJump. Raises ValueError."""
    user, at, endpoint = text.rpartition("@")
    found = re.fullmatch(r"(\[[^]]+\]|[^:]+)(?::(\d+))?", endpoint)
    if not found or (at and not user):
        raise ValueError
    return user or "root", found[1].strip("[]"), port(found[2] or "22")


def _members(listed: Mapping[str, Any], group: str, seen: set[str]) -> Iterator[str]:
    if group in seen:
        return
    seen.add(group)
    yield from map(str, _list(_mapping(listed.get(group)).get("hosts")))
    for child in map(str, _list(_mapping(listed.get(group)).get("children"))):
        yield from _members(listed, child, seen)


def _inventory_host(name: str, variables: Mapping[str, Any]) -> Host:
    def text(*keys: str) -> str | None:
        return next((str(variables[key]) for key in keys if variables.get(key) not in (None, "")), None)

    key = text("ansible_ssh_private_key_file", "ansible_private_key_file")
    if key and not key.startswith("~"):
        key = str(Path(key).absolute())  # relative to where Ansible runs, which is here
    host = text("ansible_host", "ansible_ssh_host") or name
    given = text("ansible_port", "ansible_ssh_port")
    try:
        number = port(given) if given else None
    except ValueError:
        message = f"{name}: ansible_port must be a port number, is {given}: write it without a template"
        raise ValueError(message) from None
    return Host(name, host, number, text("ansible_user", "ansible_ssh_user"), key)


def _kubernetes_host(item: Mapping[str, Any]) -> Host | None:
    metadata, status = _mapping(item.get("metadata")), _mapping(item.get("status"))
    name, labels = str(metadata.get("name")), _mapping(metadata.get("labels"))
    listed = map(_mapping, _list(status.get("addresses")))
    addresses = [str(each.get("address")) for each in listed if each.get("type") == "InternalIP"]
    if not addresses or labels.get("kubernetes.io/os", "linux") != "linux":
        return None
    return Host(name, addresses[0], node_name=name, address=addresses[0])


def _run(command: Sequence[str]) -> Mapping[str, Any]:
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_STRICT},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"{shown}: must run: {error}") from None
    if done.returncode != 0:
        raise ValueError(f"{shown}: must succeed: {done.stderr.strip()[-500:]}")
    return _json(done.stdout, shown)


def _json(text: str, source: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        raise ValueError(f"{source}: must be JSON") from None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
