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
    ("detect_local_mode", "cidr", "families"),
    [
        ("ClusterCIDR", None, ""),
        ("ClusterCIDR", "172.30.0.0/16", "IPv4"),
        ("ClusterCIDR", "172.30.0.0/16,fd00:172:30::/56", "IPv4 IPv6"),
        ("NodeCIDR", None, "IPv4 IPv6"),
    ],
)
def test_pods_are_known_by_the_clusters_addresses_unless_by_something_else(
    settings: Settings, detect_local_mode: str, cidr: str | None, families: str
) -> None:
    cluster = settings.cluster.model_copy(update={"cluster_cidr": cidr and ClusterCIDR(cidr)})
    node = replace(
        settings.nodes[0], kube_proxy=KubeProxyConfiguration.model_validate({"detectLocalMode": detect_local_mode})
    )
    parameters = node_parameters(replace(settings, cluster=cluster), node, "acme/kube-proxy/prod")

    assert parameters["LOCAL_FAMILIES"] == families


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
