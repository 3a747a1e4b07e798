"""Invalid values of `configuration`, and the message for each."""

from collections.abc import Callable
from typing import Any

import pytest

from settings import Settings

Load = Callable[[dict[str, Any]], Settings]
Refused = Callable[[dict[str, Any]], list[str]]

DURATION = "must be a duration with a unit (e.g. 30s, 1m30s, 250ms)"
INTERFACE = "must be a network interface's name or prefix (e.g. cni0)"
SCHEDULERS = '"rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "twos"'

CASES: list[tuple[str, object, str]] = [
    ("configuration", "ipvs", 'Invalid value: "ipvs": must be a mapping'),
    (
        "configuration.mode",
        "userspace",
        'Unsupported value: "userspace": supported values: "ipvs", "iptables", "nftables"',
    ),
    (
        "nodes[1].configuration.mode",
        "",
        'Unsupported value: "": supported values: "ipvs", "iptables", "nftables"',
    ),
    ("configuration.ipvs.schedular", "rr", 'Forbidden: unknown key; did you mean "scheduler"?'),
    (
        "nodes[0].configuration.detectLocal.cidr",
        "",
        "Forbidden: unknown key; known keys: bridgeInterface, interfaceNamePrefix",
    ),
    ("configuration.logging.options.json.splitstream", True, 'Forbidden: unknown key; did you mean "splitStream"?'),
    ("configuration.conntrack", 1, "Invalid value: 1: must be a mapping"),
    ("configuration.kind", "KubeProxyConfiguration", "Forbidden: is always KubeProxyConfiguration: remove it"),
    (
        "configuration.apiVersion",
        "v1",
        "Forbidden: is always kubeproxy.config.k8s.io/v1alpha1: remove it",
    ),
    (
        "configuration.clientConnection.kubeconfig",
        "/root/.kube/config",
        "Forbidden: is always the kubeconfig that this program writes: remove it",
    ),
    (
        "configuration.clusterCIDR",
        "172.30.0.0/16",
        "Forbidden: belongs in cluster.clusterCIDR, which is checked against the nodes' addresses: move it there",
    ),
    ("configuration.ipvs.excludeCIDRs", "10.0.0.0/8", 'Invalid value: "10.0.0.0/8": must be a list'),
    ("configuration.nodePortAddresses", "primary", 'Invalid value: "primary": must be a list'),
    ("configuration.logging.vmodule", {}, "Invalid value: {}: must be a list"),
    ("configuration.portRange", "\ud800", "Invalid value: must be text without halves of surrogate pairs"),
    ("configuration.winkernel", {}, "Forbidden: is for Windows nodes: remove it"),
    ("configuration.windowsRunAsService", True, "Forbidden: is for Windows nodes: remove it"),
    ("configuration.udpIdleTimeout", "1s", "Forbidden: was removed in 1.26: remove it"),
    (
        "nodes[1].configuration.hostnameOverride",
        "other",
        'Invalid value: "other": must be the node\'s name "k8s-node02": remove it',
    ),
    (
        "nodes[1].configuration.bindAddress",
        "fd00::1",
        'Invalid value: "fd00::1": must be an IPv4 address, as cluster.clusterCIDR (172.30.0.0/16) is',
    ),
    (
        "configuration.bindAddress",
        "eth0",
        'Invalid value: "eth0": must be an IP address (e.g. 192.168.99.101)',
    ),
    *(
        (
            "configuration.healthzBindAddress",
            value,
            f"Invalid value: {shown}: must be IP:port (e.g. 192.168.99.101:10256 or [fd00::101]:10256)",
        )
        for value, shown in (
            ("192.168.99.101", '"192.168.99.101"'),
            (":10256", '":10256"'),
            ("localhost:10256", '"localhost:10256"'),
            ("fd00::1:10256", '"fd00::1:10256"'),
            ("[192.168.99.101]:10256", '"[192.168.99.101]:10256"'),
            ("192.168.99.101:0", '"192.168.99.101:0"'),
            ("192.168.99.101:٥", '"192.168.99.101:٥"'),
            ("192.168.99.101:65536", '"192.168.99.101:65536"'),
            (10256, "10256"),
        )
    ),
    (
        "nodes[1].configuration.metricsBindAddress",
        "192.168.99.102:10256",
        'Invalid value: "192.168.99.102:10256": must have a different port: '
        "healthzBindAddress and metricsBindAddress both have 10256",
    ),
    *(
        ("configuration.configSyncPeriod", value, f"Invalid value: {shown}: {DURATION}")
        for value, shown in (
            (30, "30"),
            ("30", '"30"'),
            ("1d", '"1d"'),
            ("5 s", '"5 s"'),
            ("１s", '"１s"'),
            (True, "true"),
        )
    ),
    ("configuration.ipvs.tcpTimeout", "-5s", 'Invalid value: "-5s": must not be negative (e.g. 30s)'),
    (
        "configuration.conntrack.udpTimeout",
        "2562048h",
        'Invalid value: "2562048h": must be a duration of at most 292 years (e.g. 24h)',
    ),
    ("configuration.logging.flushFrequency", 5.5, f"Invalid value: 5.5: {DURATION}"),
    (
        "nodes[1].configuration.oomScoreAdj",
        "-998",
        'Invalid value: "-998": must be a whole number from -1000 to 1000, without quotes',
    ),
    ("configuration.nftables.masqueradeBit", 32, "Invalid value: 32: must be a whole number from 0 to 31"),
    ("configuration.conntrack.min", 2**31, "Invalid value: 2147483648: must be a whole number from 0 to 2147483647"),
    ("configuration.clientConnection.burst", True, "Invalid value: true: must be a whole number from 0 to 2147483647"),
    (
        "configuration.clientConnection.qps",
        "5",
        'Invalid value: "5": must be a number (e.g. 5 or 0.5), without quotes',
    ),
    ("configuration.clientConnection.qps", 1e39, "Invalid value: 1e+39: must be a number (e.g. 5 or 0.5)"),
    (
        "configuration.clientConnection.contentType",
        "json",
        'Invalid value: "json": must be a media type (e.g. application/json)',
    ),
    ("configuration.enableProfiling", "yes", 'Invalid value: "yes": must be true or false'),
    ("configuration.featureGates.ContextualLogging", 1, "Invalid value: 1: must be true or false"),
    ("configuration.portRange", 5, "Invalid value: 5: must be a string: put it in quotes"),
    ("configuration.ipvs.scheduler", "foo", f'Unsupported value: "foo": supported values: {SCHEDULERS}'),
    *(
        (
            "configuration.ipvs.excludeCIDRs",
            ["10.0.0.0/8", value],
            f'Invalid value: "{value}": must be a CIDR block (e.g. {example})',
        )
        for value, example in (
            ("10.0.0.0", "192.168.99.0/24"),
            ("10.0.0.0/255.0.0.0", "192.168.99.0/24"),
            ("10.0.0.0/٨", "192.168.99.0/24"),
            ("fe80::1%lo/64", "fd00:99::/64"),
            ("fd00::/129", "fd00:99::/64"),
        )
    ),
    (
        "configuration.nodePortAddresses",
        ["10.0.0.0/8", "Primary"],
        'Invalid value: "Primary": must be a CIDR block (e.g. 192.168.99.0/24) or one of the keywords primary, localhost, all',
    ),
    (
        "configuration.detectLocalMode",
        "PodCIDR",
        'Unsupported value: "PodCIDR": supported values: "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"',
    ),
    ("configuration.detectLocal.bridgeInterface", "a b", f'Invalid value: "a b": {INTERFACE}'),
    ("configuration.detectLocal.interfaceNamePrefix", "x" * 16, f'Invalid value: "{"x" * 16}": {INTERFACE}'),
    ("configuration.logging.format", "xml", 'Unsupported value: "xml": supported values: "text", "json"'),
    (
        "configuration.logging.options.text.splitStream",
        True,
        "Forbidden: has no effect: kube-proxy reads only the flag --log-text-split-stream; remove it",
    ),
    (
        "configuration.iptables.minSyncPeriod",
        "31s",
        'Invalid value: "31s": must be at most iptables.syncPeriod, 30s',
    ),
    (
        "configuration.nftables.syncPeriod",
        "500ms",
        'Invalid value: "500ms": must be at least nftables.minSyncPeriod, 1s',
    ),
    (
        "configuration.bindAddress",
        "::ffff:192.168.99.101",
        'Invalid value: "::ffff:192.168.99.101": must be written as an IPv4 address: 192.168.99.101',
    ),
    *(
        (
            f"nodes[1].configuration.{field}",
            value,
            f'Invalid value: "{value}": must be this node\'s address, not that of k8s-node01: remove it',
        )
        for field, value in (
            ("bindAddress", "192.168.99.101"),
            ("healthzBindAddress", "192.168.99.101:10256"),
            ("metricsBindAddress", "192.168.99.101:10249"),
        )
    ),
    (
        "configuration.healthzBindAddress",
        "127.0.0.1:10249",
        'Invalid value: "127.0.0.1:10249": must have a different port: '
        "healthzBindAddress and metricsBindAddress both have 10249",
    ),
]


@pytest.mark.parametrize(("where", "value", "message"), CASES)
def test_invalid_configuration_value_is_refused(
    refused_with: Callable[[str, object], list[str]], where: str, value: object, message: str
) -> None:
    """In a list, the second item is the invalid one."""
    place = f"{where}[1]" if isinstance(value, list) else where

    assert refused_with(where, value) == [f"{place}: {message}"]


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (
            "configuration.detectLocalMode",
            "BridgeInterface",
            "configuration.detectLocal.bridgeInterface: Required value: "
            "must be set with detectLocalMode BridgeInterface (e.g. cni0)",
        ),
        (
            "nodes[2].configuration.detectLocalMode",
            "InterfaceNamePrefix",
            "nodes[2].configuration.detectLocal.interfaceNamePrefix: Required value: "
            "must be set with detectLocalMode InterfaceNamePrefix (e.g. veth)",
        ),
        (
            "configuration.logging",
            {"vmodule": [{"verbosity": 5}]},
            "configuration.logging.vmodule[0].filePattern: Required value: "
            "must be a source file's name without .go (e.g. proxier)",
        ),
        (
            "configuration.logging",
            {"format": "json", "vmodule": [{"filePattern": "proxier", "verbosity": 5}]},
            "configuration.logging.vmodule: Forbidden: works only with format text: remove it",
        ),
        (
            "configuration.bindAddress",
            "192.168.99.102",
            'configuration.bindAddress: Invalid value: "192.168.99.102": '
            "must be this node's address, not that of k8s-node02: remove it",
        ),
    ],
)
def test_conflict_between_fields_is_reported_where_it_was_written(
    values: dict[str, Any], refused: Refused, where: str, value: object, message: str
) -> None:
    place: Any = values["nodes"][int(where[6])] if where.startswith("nodes") else values
    place.setdefault("configuration", {})
    if where.endswith("configuration"):
        place["configuration"] = value
    else:
        place["configuration"][where.rpartition(".")[2]] = value

    assert refused(values) == [message]


def test_node_may_complete_the_fleets_configuration(values: dict[str, Any], loaded: Load) -> None:
    values["configuration"]["detectLocalMode"] = "BridgeInterface"
    for node in values["nodes"]:
        node["configuration"] = {"detectLocal": {"bridgeInterface": f"{node['name'][4:]}-br"}}

    assert loaded(values).nodes[0].configuration["detectLocal"] == {"bridgeInterface": "node01-br"}


def test_fleets_configuration_is_checked_without_nodes(values: dict[str, Any], refused: Refused) -> None:
    values["nodes"] = []
    values["configuration"]["ipvs"] = {"minSyncPeriod": "1m"}

    assert 'configuration.ipvs.minSyncPeriod: Invalid value: "1m": must be at most ipvs.syncPeriod, 30s' in refused(
        values
    )
