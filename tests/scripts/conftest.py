"""Fake nodes, a fresh one for each test."""

from pathlib import Path

import pytest

from documents import network_file
from tests.scripts import families
from tests.scripts.fake_node import (
    BINARY,
    BINARY_SHA256,
    CONFIGURATION,
    ENDPOINT_SLICES,
    FOREIGN_VIRTUAL_SERVERS,
    IP_VS,
    RECORDED,
    SERVICES,
    FakeNode,
)


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    """A new machine: systemd runs, the API server answers, and the kernel has the rules that kube-proxy will write."""
    node = FakeNode(
        root=tmp_path,
        parameters={
            "NODE": "k8s-node01",
            "SERVER": "https://192.168.99.100:8443",
            "TLS_SERVER_NAME": "",
            "PROXY_URL": "",
            "MODE": "ipvs",
            "KERNEL_MODULES": "nf_conntrack ip_vs ip_vs_rr",
            "HEALTHZ": "192.168.99.101:10256",
            "METRICS": "192.168.99.101:10249",
            "VERSION": "1.36.2",
            "BINARY_SOURCE": "file",
            "BINARY_URL": "",
            "BINARY_SHA256": f"amd64={BINARY_SHA256} arm64={BINARY_SHA256}",
            "BINARY_KIB": "1",
            "K8S_DIR": "/opt/k8s",
            "UNIT_DIRECTORY": "/usr/lib/systemd/system",
            "BINARY_DIRECTORY": "/usr/local/bin",
            "FAMILIES": "IPv4",
            "MASQUERADED_FAMILIES": "IPv4 IPv6",
            "KUBERNETES_SERVICE": "",
            "HEALTH_TIMEOUT": "2",
            "MIN_READY": "0",
            "REMOVE_FOREIGN_VIRTUAL_SERVERS": "false",
            "STACK": "organization/kube-proxy/prod",
            "TAKE_OVER": "false",
            "HANDOVER": "true",
            "DRAIN": "30",
            "EXCLUDE_CIDRS": "",
            "NOT_BEFORE": "0",
            "NOT_AFTER": "99999999999",
        },
        files={
            "kube-proxy.kubeconfig": "server: https://192.168.99.100:8443\nclient-key-data: a2V5\n",
            "kube-proxy-config.yaml": CONFIGURATION,
            "kube-proxy.conf": "KUBE_PROXY_ARGS=--v=2\n",
            "kube-proxy.service": "[Service]\n",
            "modules": "nf_conntrack\nip_vs\nip_vs_rr\n",
            "kube-ipvs0.network": network_file.render(),
            "binary": f"1.36.2 amd64={BINARY_SHA256}\n",
        },
    )
    deliveries = "var/lib/kube-proxy-generations/deliveries/0"
    for directory in ("run/systemd/system", "unit", deliveries, "usr/local/bin", "usr/lib/systemd/system", "etc"):
        (tmp_path / directory).mkdir(parents=True)
    node.write(f"/var/lib/kube-proxy-generations/binaries/{BINARY_SHA256}", BINARY.decode())
    node.write("/lib/systemd/systemd-socket-proxyd", "")
    node.write("/proc/net/ip_vs", IP_VS)
    node.write("/kube-ipvs0", "10.0.0.1\n")
    node.write("/api/k8s-node01", "kind: Node\nmetadata:\n  name: k8s-node01\n")
    node.write("/api/services", SERVICES)
    node.write("/api/no-services", "apiVersion: v1\nitems: []\nkind: ServiceList\n")
    node.write("/api/endpointslices", ENDPOINT_SLICES)
    return node


@pytest.fixture
def between_modes(node: FakeNode) -> FakeNode:
    """A node with kube-proxy's rules of every mode, and with rules of other programs."""
    node.write("iptables", RECORDED)
    node.write("tables", "table ip kube-proxy\ntable ip6 kube-proxy\ntable inet foreign\n")
    node.write("table", "element 10.0.0.1 . tcp . 443")
    node.write(
        "ipsets", "KUBE-CLUSTER-IP\nKUBE-6-LOAD-BALANCER-SOURCE-CID\nKUBE-NODE-PORT-TCP 30080\nKUBE-DST-ABCDEF\n"
    )
    node.write("proc/net/ip_vs", f"{IP_VS}TCP  C0A86365:7580 rr\n{FOREIGN_VIRTUAL_SERVERS}")
    node.parameters["DRAIN"] = "0"
    return node


@pytest.fixture
def ipv6_node(node: FakeNode) -> FakeNode:
    """A node of a cluster with IPv6 only."""
    node.parameters["FAMILIES"] = "IPv6"
    families.listen_at(node, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
    node.write("/api/services", families.services("fd00:10::1"))
    node.write("/api/endpointslices", families.endpoint_slices(families.IPV6_SLICE))
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text().partition("TCP")[0] + families.IP_VS)
    node.write("/proc/net/if_inet6", families.IF_INET6)
    node.write("/kube-ipvs0", "")
    node.write(
        "ip6tables", "-A KUBE-SERVICES -d fd00:10::1/128 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y\n"
    )
    node.write("table6", "element fd00:10::1 . tcp . 443")
    return node


@pytest.fixture
def dual_stack_node(node: FakeNode) -> FakeNode:
    """A node of a dual-stack cluster whose Service kubernetes has only an IPv4 address."""
    node.parameters["FAMILIES"] = "IPv4 IPv6"
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text() + families.IP_VS)
    node.write("/proc/net/if_inet6", families.IF_INET6)
    node.write("metrics", families.METRICS)
    return node
