"""What `configuration` must not say: one wrong value, and the line that its user reads."""

from collections.abc import Callable

import pytest

CASES: list[tuple[str, object, str]] = [
    ("configuration", "ipvs", 'Invalid value: "ipvs": must be a mapping'),
    (
        "configuration.mode",
        "userspace",
        'Unsupported value: "userspace": supported values: "ipvs", "iptables", "nftables"',
    ),
    (
        "nodes[1].configuration.mode",
        None,
        'Unsupported value: null: supported values: "ipvs", "iptables", "nftables"',
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
        "Forbidden: is always the kubeconfig that this program makes: remove it",
    ),
    (
        "configuration.clusterCIDR",
        "172.30.0.0/16",
        "Forbidden: belongs to cluster.clusterCIDR, where the nodes' addresses are checked against it: move it there",
    ),
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
            ("192.168.99.101:65536", '"192.168.99.101:65536"'),
            (10256, "10256"),
        )
    ),
    (
        "nodes[1].configuration.metricsBindAddress",
        "192.168.99.102:10256",
        'Invalid value: "192.168.99.102:10256": must have a port of its own: '
        "healthzBindAddress and metricsBindAddress both have 10256",
    ),
    (
        "configuration.healthzBindAddress",
        "127.0.0.1:10249",
        'Invalid value: "127.0.0.1:10249": must have a port of its own: '
        "healthzBindAddress and metricsBindAddress both have 10249",
    ),
]


@pytest.mark.parametrize(("where", "value", "said"), CASES)
def test_refused(refused_with: Callable[[str, object], list[str]], where: str, value: object, said: str) -> None:
    assert refused_with(where, value) == [f"{where}: {said}"]
