"""The scripts' parameters have addresses in the form that the node's programs print."""

from dataclasses import replace

import pytest

from components.parameters import node_parameters
from settings import KubeProxyConfiguration, Settings
from settings.addresses import Address, ClusterCIDR


@pytest.mark.parametrize(
    ("address", "cidr", "families"),
    [
        ("192.168.99.101", "172.30.0.0/16", "IPv4"),
        ("192.168.99.101", None, "IPv4"),
        ("fd00:99::101", "fd00:172:30::/56", "IPv6"),
        ("192.168.99.101", "172.30.0.0/16,fd00:172:30::/56", "IPv4 IPv6"),
        ("fd00:99::101", "172.30.0.0/16,fd00:172:30::/56", "IPv6 IPv4"),
    ],
)
def test_families_are_the_nodes_own_then_the_pods(
    settings: Settings, address: str, cidr: str | None, families: str
) -> None:
    cluster = settings.cluster.model_copy(update={"cluster_cidr": cidr and ClusterCIDR(cidr)})
    node = replace(settings.nodes[0], address=Address(address))

    assert node_parameters(replace(settings, cluster=cluster), node, "acme/kube-proxy/prod")["FAMILIES"] == families


@pytest.mark.parametrize(
    ("configuration", "cidr", "families"),
    [
        ({}, None, ""),
        ({}, "172.30.0.0/16", "IPv4"),
        ({}, "172.30.0.0/16,fd00:172:30::/56", "IPv4 IPv6"),
        ({"detectLocalMode": "NodeCIDR"}, None, "IPv4 IPv6"),
        ({"mode": "iptables", "iptables": {"masqueradeAll": True}}, None, "IPv4 IPv6"),
        ({"mode": "nftables", "iptables": {"masqueradeAll": True}}, None, ""),
        ({"mode": "nftables", "nftables": {"masqueradeAll": True}}, None, "IPv4 IPv6"),
    ],
)
def test_requests_are_masqueraded_where_pods_addresses_are_known_or_always(
    settings: Settings, configuration: dict[str, object], cidr: str | None, families: str
) -> None:
    cluster = settings.cluster.model_copy(update={"cluster_cidr": cidr and ClusterCIDR(cidr)})
    node = replace(settings.nodes[0], kube_proxy=KubeProxyConfiguration.model_validate(configuration))
    parameters = node_parameters(replace(settings, cluster=cluster), node, "acme/kube-proxy/prod")

    assert parameters["MASQUERADED_FAMILIES"] == families


def test_ipv6_addresses_are_in_canonical_form(settings: Settings) -> None:
    cluster = settings.cluster.model_copy(update={"kubernetes_service": Address("FD00:10:0::1")})
    given = KubeProxyConfiguration(
        healthz_bind_address="[FD00:99:0:0::0101]:10256", metrics_bind_address="0.0.0.0:10249"
    )
    node = replace(settings.nodes[0], kube_proxy=given)
    parameters = node_parameters(replace(settings, cluster=cluster), node, "acme/kube-proxy/prod")

    assert parameters["HEALTHZ"] == "[fd00:99::101]:10256"
    assert parameters["METRICS"] == "0.0.0.0:10249"
    assert parameters["KUBERNETES_SERVICE"] == "fd00:10::1"
