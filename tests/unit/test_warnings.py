"""Warnings about valid values that are probably mistakes. They never block."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings import Settings, SettingsError, load

Load = Callable[[dict[str, Any]], Settings]

STRICT_ARP = (
    "configuration.ipvs.strictARP: is unset and therefore false: set true if MetalLB or kube-vip answers ARP for "
    "addresses of Services, otherwise every node answers too; set false if neither does"
)
DEPRECATED = (
    'configuration.mode: "ipvs": is deprecated since 1.35, off by default from 1.40, removed in 1.43: '
    "plan for nftables (Linux 5.13, nft 1.0.1 or newer)"
)

PROFILING = (
    "configuration.enableProfiling: true: shows /debug/pprof, with kube-proxy's command line and memory, to everyone who "
    "reaches the metrics address: set metricsBindAddress to 127.0.0.1:10249, or let a firewall allow only your monitoring"
)

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("1.34.2", {"mode": "ipvs"}, [STRICT_ARP]),
    ("1.34.2", {"mode": "ipvs", "ipvs": {"strictARP": False}}, []),
    ("1.36.2", {}, [STRICT_ARP, DEPRECATED]),
    ("1.37.2", {"ipvs": {"strictARP": True}}, [DEPRECATED]),
    ("1.37.2", {"mode": "nftables"}, []),
    (
        "1.37.2",
        {"mode": "nftables", "ipvs": {"strictARP": True}},
        [
            "configuration.ipvs.strictARP: true: has no effect in mode nftables, "
            "which puts no Service address on an interface"
        ],
    ),
    (
        "1.36.2",
        {"mode": "nftables", "nftables": {"minSyncPeriod": "0s"}, "iptables": {"minSyncPeriod": "-0.0s"}},
        [
            f'configuration.{mode}.minSyncPeriod: "{zero}": counts as unset and becomes 1s, '
            "although upstream documents no delay: write 1ns for no delay"
            for mode, zero in (("nftables", "0s"), ("iptables", "-0.0s"))
        ],
    ),
    *(
        ("1.36.2", {"mode": "nftables", "enableProfiling": True, **metrics}, [PROFILING][:warned])
        for metrics, warned in (
            ({}, 1),
            ({"metricsBindAddress": "0.0.0.0:10249"}, 1),
            ({"metricsBindAddress": "127.0.0.1:10249"}, 0),
            ({"metricsBindAddress": "[::1]:10249"}, 0),
        )
    ),
    (
        "1.36.2",
        {"mode": "nftables", "logging": {"verbosity": 4}, "portRange": "1-2"},
        [
            "configuration.logging.verbosity: 4: has no effect, because the flag --v wins: set service.verbosity",
            'configuration.portRange: "1-2": has no effect since 1.26: remove it',
        ],
    ),
    *(
        (
            "1.37.2",
            {"mode": mode, "ipvs": {"strictARP": False}, "nodePortAddresses": ["localhost"]},
            [
                'configuration.nodePortAddresses[0]: "localhost": works only in mode iptables, or in mode nftables with the '
                "feature gate KubeProxyNFTablesLocalhostNodePorts (alpha)"
            ][:warned]
            + [DEPRECATED] * (mode == "ipvs"),
        )
        for mode, warned in (("ipvs", 1), ("nftables", 1), ("iptables", 0))
    ),
    (
        "1.37.2",
        {
            "mode": "nftables",
            "nodePortAddresses": ["localhost"],
            "featureGates": {"KubeProxyNFTablesLocalhostNodePorts": True},
        },
        [],
    ),
    (
        "1.36.2",
        {"mode": "nftables", "featureGates": {"NFTablesProxyMode": True}},
        [
            "configuration.featureGates.NFTablesProxyMode: true: is locked in 1.36, and later versions drop it: remove it"
        ],
    ),
]


@pytest.mark.parametrize(("version", "configuration", "message"), CASES)
def test_configuration_gives_warnings(
    values: dict[str, Any], loaded: Load, version: str, configuration: dict[str, Any], message: list[str]
) -> None:
    values["cluster"]["version"] = "1.37.2"
    values["binary"]["version"] = version
    values["configuration"] = configuration

    assert sorted(map(str, loaded(values).warnings)) == sorted(message)


def test_missing_cluster_cidr_gives_a_warning(values: dict[str, Any], loaded: Load) -> None:
    del values["cluster"]["clusterCIDR"]
    values["configuration"] = {"mode": "nftables"}

    assert [str(warning) for warning in loaded(values).warnings] == [
        "configuration.detectLocalMode: needs cluster.clusterCIDR, which is unset: traffic from outside the cluster to "
        "a Service is not masqueraded, and replies may be lost; set it, or use another mode (e.g. NodeCIDR)"
    ]
    values["configuration"]["detectLocalMode"] = "NodeCIDR"
    assert loaded(values).warnings == ()


@pytest.mark.parametrize(
    ("cidr", "blocks", "warned"),
    [
        ("172.30.0.0/16", ["192.168.99.0/24"], []),
        ("172.30.0.0/16,fd00:172:30::/56", ["192.168.99.0/24", "fd00:99::/64"], []),
        ("172.30.0.0/16,fd00:172:30::/56", ["primary"], []),
        (
            "172.30.0.0/16,fd00:172:30::/56",
            ["192.168.99.0/24"],
            [
                'configuration.nodePortAddresses: ["192.168.99.0/24"]: has no IPv6 block, so NodePorts answer on all '
                "of the node's IPv6 addresses: add one (e.g. fd00:99::/64), or write only primary"
            ],
        ),
        (
            "172.30.0.0/16",
            ["fd00:99::/64"],
            [
                'configuration.nodePortAddresses: ["fd00:99::/64"]: has no IPv4 block, so NodePorts answer on all '
                "of the node's IPv4 addresses: add one (e.g. 192.168.99.0/24), or write only primary"
            ],
        ),
    ],
)
def test_node_ports_limited_in_only_one_family_give_a_warning(
    values: dict[str, Any], loaded: Load, cidr: str, blocks: list[str], warned: list[str]
) -> None:
    values["cluster"]["clusterCIDR"] = cidr
    values["configuration"] = {"mode": "nftables", "nodePortAddresses": blocks}

    assert [str(warning) for warning in loaded(values).warnings] == warned


def test_invalid_cluster_cidr_gives_no_warning_about_a_missing_one(values: dict[str, Any], project: Path) -> None:
    values["cluster"]["clusterCIDR"] = "172.30.0.0"
    values["configuration"] = {"mode": "nftables"}
    with pytest.raises(SettingsError) as raised:
        load(values, project)

    assert raised.value.warnings == ()


def test_warning_is_given_once_for_the_fleet_and_once_for_a_nodes_own_value(
    values: dict[str, Any], loaded: Load
) -> None:
    values["configuration"] = {"mode": "ipvs", "ipvs": {"strictARP": True}}
    values["nodes"][2]["configuration"] = {"mode": "nftables", "portRange": "1"}

    assert [warning.path for warning in loaded(values).warnings] == [
        "nodes[2].configuration.portRange",
        "configuration.mode",
    ]


def test_warnings_are_not_part_of_the_error_message(values: dict[str, Any], project: Path) -> None:
    values["configuration"] = {"mode": "ipvs", "ipvs": {"strictARP": True}, "portRange": 5}
    with pytest.raises(SettingsError) as raised:
        load(values, project)

    assert [str(warning) for warning in raised.value.warnings] == [DEPRECATED]
    assert str(raised.value) == (
        "the stack's configuration (kube-proxy:) has 1 problem:\n"
        "  configuration.portRange: Invalid value: 5: must be a string: put it in quotes"
    )
