"""The values of a stack from the kube-proxies that already run, and what one stack can't express of them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from commands.adopt.running import Running, differences, in_force, leaves
from documents import kube_proxy_configuration
from settings import SSH
from settings.addresses import Address, Listener, host_and_port
from settings.kube_proxy_configuration import configure
from settings.kube_proxy_configuration.node_configuration import HEALTHZ_PORT, METRICS_PORT
from settings.problems import Location, Problems
from settings.section import read_section
from settings.stack import Stack, UnitDirectory

Value = TypeVar("Value", bound=object)

_CLUSTER: Final = ("name", "server", "clusterCIDR", "tlsServerName", "proxyURL")
_DEFAULTS: Final = {
    "user": "root",
    "port": 22,
    "k8sDir": "/opt/k8s",
    "binaryDirectory": "/usr/local/bin",
    "verbosity": 2,
    "name": "kubernetes",
}


def compose(nodes: Sequence[Running], ca_file: str, key_file: str | None, bastion: SSH | None = None) -> dict[str, Any]:
    """Return the values of a stack's keys. Where a node differs from what all nodes share, its notes say so.

    Args:
        nodes: at least one.
        ca_file: the name of the file that the CAs will be in.
        key_file: the SSH key of the bastion and of hosts that have none of their own; None for the SSH agent's keys.
        bastion: the host through which the nodes are reached.
    """
    cluster = {key: _shared(nodes, f"cluster.{key}", _cluster_key(key)) for key in _CLUSTER}
    ssh: dict[str, Any] = {
        "user": _most_common(node.asked.user for node in nodes),
        "port": _most_common(node.asked.port for node in nodes),
        "privateKeyFile": _most_common(node.asked.host.private_key_file or key_file or "" for node in nodes),
    }
    if bastion:
        login = {"host": bastion.host, "port": bastion.port, "user": bastion.user, "hostKey": bastion.host_key}
        ssh["bastion"] = {**login, **_key(key_file)}
    service = {
        "k8sDir": _shared(nodes, "service.k8sDir", lambda node: node.k8s_dir),
        "unitDirectory": UnitDirectory.ETC.value if any(node.hides_unit for node in nodes) else "",
        "binaryDirectory": _shared(nodes, "service.binaryDirectory", lambda node: node.binary_directory),
        "verbosity": _shared(nodes, "service.verbosity", lambda node: node.verbosity),
    }
    own = [_own_fields(node) for node in nodes]
    fleet = _common_fields(own)
    values = {
        "cluster": {**_given(cluster), "version": control_plane_version(nodes)},
        "certificateAuthority": {"certificateFile": ca_file} if authority(nodes) else None,
        "ssh": _given(ssh) | ({} if ssh["privateKeyFile"] else _key(None)),
        "nodes": [_node(*each, fleet, ssh, key_file) for each in zip(nodes, own, strict=True)],
        "binary": {"version": _shared(nodes, "binary.version", lambda node: node.version), **_digests(nodes)},
        "configuration": _nested(fleet),
        "service": _given(service),
    }
    return {key: value for key, value in values.items() if value}


def authority(nodes: Sequence[Running]) -> str:
    """Return the CAs of most nodes' kubeconfigs, in PEM."""
    common = _most_common(node.authority for node in nodes)
    for node in nodes:
        if node.authority != common:
            _note(node, "the CAs of its kubeconfig: are not those of most nodes, which the stack has")
    return common


def control_plane_version(nodes: Sequence[Running]) -> str:
    """Return the API's version, or else the newest kube-proxy's."""
    told = [node.api_version for node in nodes if node.api_version]
    if told:
        return _most_common(told)
    for node in nodes:
        _note(
            node, "cluster.version: the API didn't tell it (GET /version), so it is the newest kube-proxy's: check it"
        )
    return max((node.version for node in nodes), key=_version_key)


def changed_fields(values: Mapping[str, Any], nodes: Sequence[Running]) -> list[list[str]]:
    """Return the fields that the stack's rendered configuration would change, for each node."""
    stack = read_section(Stack, values, Problems())
    changed = []
    for node, section in zip(nodes, stack.nodes or [], strict=True):
        rendered = kube_proxy_configuration.document(configure(section, stack.configuration), stack.cluster)
        fields = differences(in_force(rendered, node.name, [])[0], node.configuration)
        moved = ["clusterCIDR"] if rendered.get("clusterCIDR", "") != node.cluster.get("clusterCIDR", "") else []
        changed.append([*moved, *fields])
    return changed


def _cluster_key(key: str) -> Callable[[Running], str]:
    return lambda node: node.cluster.get(key, "")


def _shared(nodes: Sequence[Running], key: str, value_of: Callable[[Running], Value]) -> Value:
    """Return most nodes' value of a key that a stack has once."""
    common = _most_common(map(value_of, nodes))
    for node in nodes:
        if (value := value_of(node)) != common:
            _note(node, f"{key}: is {_shown(value)} there; the stack has {_shown(common)}")
    return common


def _shown(value: object) -> object:
    return "the default" if value == "" else value


def _note(node: Running, text: str) -> None:
    if text not in node.notes:
        node.notes.append(text)


def _most_common(values: Iterable[Value]) -> Value:
    return Counter(values).most_common(1)[0][0]


def _given(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are set and no defaults."""
    return {key: value for key, value in values.items() if value not in ("", _DEFAULTS.get(key))}


def _own_fields(node: Running) -> dict[Location, Any]:
    """Return a node's fields in force, without those that this program derives from its name and address."""
    fields = leaves(node.configuration)
    del fields[("hostnameOverride",)]
    address = Address(node.address)
    listeners = {"healthzBindAddress": HEALTHZ_PORT, "metricsBindAddress": METRICS_PORT}
    derived = {field: Listener(host_and_port(address, port)) for field, port in listeners.items()}
    if (bound := fields.get(("bindAddress",))) and Address(bound).ip == address.ip:
        del fields[("bindAddress",)]
    for field, default in derived.items():
        if (text := fields.get((field,))) and _endpoint(Listener(text)) == _endpoint(default):
            del fields[(field,)]
    return fields


def _endpoint(listener: Listener) -> tuple[object, int]:
    return listener.ip, listener.port


def _common_fields(own: Sequence[Mapping[Location, Any]]) -> dict[Location, Any]:
    """Return the fields that every node has, each with most nodes' value."""
    everywhere = [place for place in own[0] if all(place in fields for fields in own)]
    texts = {place: _most_common(json.dumps(fields[place]) for fields in own) for place in everywhere}
    return {place: json.loads(text) for place, text in texts.items()}


def _key(file: str | None) -> dict[str, object]:
    return {"privateKeyFile": file} if file else {"agent": True}


def _node(
    node: Running,
    own: Mapping[Location, Any],
    fleet: Mapping[Location, Any],
    ssh: Mapping[str, object],
    key_file: str | None,
) -> dict[str, Any]:
    host = node.asked.host
    login = {"port": node.asked.port, "user": node.asked.user, **_key(host.private_key_file or key_file)}
    values = {
        "name": node.name,
        "address": node.address,
        "hostKey": node.asked.host_key,
        "ssh": {
            **({"host": host.host} if host.host != node.address else {}),
            **{key: value for key, value in login.items() if value != ssh.get(key)},
        },
        "configuration": _nested({place: value for place, value in own.items() if fleet.get(place) != value}),
    }
    return {key: value for key, value in values.items() if value}


def _digests(nodes: Sequence[Running]) -> dict[str, Any]:
    """Return `sha256`: the digest for each architecture whose nodes have all the same binary."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        for architecture, digest in node.sha256.items():
            found.setdefault(architecture, set()).add(digest)
    same = {architecture: digests.pop() for architecture, digests in sorted(found.items()) if len(digests) == 1}
    return {"sha256": same} if same else {}


def _nested(fields: Mapping[Location, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for (*way, last), value in fields.items():
        place = nested
        for step in way:
            place = place.setdefault(str(step), {})
        place[str(last)] = value
    return nested


def _version_key(version: str) -> list[int]:
    return [int(part) for part in version.split("-")[0].split("+")[0].split(".")]
