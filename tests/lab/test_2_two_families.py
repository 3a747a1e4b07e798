"""A dual-stack cluster: one node with IPv4 first in mode ipvs, one with IPv6 first in mode nftables.

The nodes stay as these tests leave them, and test_3_removal.py removes them so.
"""

from collections.abc import Iterator

import pytest

from development.lab import topology
from tests.lab import ipv6, rules
from tests.lab.cluster import Cluster


@pytest.fixture(scope="module")
def dual_stack(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet in a dual-stack cluster; the cluster and the configuration are IPv4 again afterwards."""
    text = deployed.configuration_file.read_text()
    ipv6.add(deployed)
    yield deployed
    deployed.configuration_file.write_text(text)
    ipv6.remove(deployed)


def set_up(dual_stack: Cluster, first: dict[str, str]) -> None:
    """Sets the first node's configuration; the second one gets IPv6 first and mode nftables."""
    own = {"address": ipv6.address(dual_stack.nodes[1]), "configuration": {"mode": "nftables"}}
    dual_stack.list_nodes(lambda nodes: [nodes[0] | {"configuration": first}, nodes[1] | own])


class TestDualStack:
    def test_modes_change_where_kube_proxy_cannot_tell_what_is_local(self, dual_stack: Cluster) -> None:
        """Without a clusterCIDR. Both nodes change from ipvs to nftables, then the first one changes back.

        The proof is a request of the node's own.
        """
        service = str(topology.KUBERNETES_SERVICE_IPV6)
        dual_stack.configure(lambda values: values["cluster"].update(kubernetesService=service))
        dual_stack.configure(lambda values: values["cluster"].pop("clusterCIDR"))
        listens = {"healthzBindAddress": "[::]:10256", "metricsBindAddress": "0.0.0.0:10249"}
        for first in ({"mode": "nftables"}, {"mode": "ipvs"} | listens):
            set_up(dual_stack, first)
            result = dual_stack.up()
            assert result.status == 0, result.output
            assert rules.of(dual_stack.nodes[0]) == rules.OF_MODE[first["mode"]]
            assert rules.of(dual_stack.nodes[1]) == rules.OF_MODE["nftables"]

    def test_nodes_are_proven_by_a_service_with_an_ipv6_address(self, dual_stack: Cluster) -> None:
        first, second = dual_stack.nodes
        dual_stack.configure(lambda values: values["cluster"].update(clusterCIDR="172.30.0.0/16,fd00:172:30::/56"))
        result = dual_stack.up()
        assert result.status == 0, result.output
        reports = dual_stack.outputs()["nodes"]
        assert {name: report["kubernetesService"] for name, report in reports.items()} == {
            first.name: ipv6.SERVICE,
            second.name: ipv6.SERVICE,
        }
        assert reports[first.name]["listeners"] == ["[::]:10256", "0.0.0.0:10249"]
        assert reports[second.name]["listeners"] == [f"[{ipv6.address(second)}]:{port}" for port in (10256, 10249)]

    def test_virtual_servers_of_both_families_are_reported(self, dual_stack: Cluster) -> None:
        servers = dual_stack.outputs()["nodes"][dual_stack.nodes[0].name]["virtualServers"]
        of_ipv4 = [f"{server}:6443" for server in ipv6.BACKENDS]
        other = dual_stack.kubectl("get", "service", ipv6.NAME, "-o", "jsonpath={.spec.clusterIPs[1]}")
        assert {server["server"]: server["realServers"] for server in servers} == {
            "TCP 10.0.0.1:443 rr": of_ipv4,
            f"TCP {other}:443 rr": of_ipv4,
            f"TCP {ipv6.SERVICE} rr": [f"[{backend}]:6443" for backend in ipv6.BACKENDS.values()],
        }

    def test_each_node_reaches_services_of_both_families(self, dual_stack: Cluster) -> None:
        for node in dual_stack.nodes:
            for service in (ipv6.SERVICE, "10.0.0.1:443"):
                assert '"gitVersion": "v1.36.2"' in node.run(f"curl -ks --max-time 10 https://{service}/version")

    def test_kube_proxy_takes_the_second_address_from_the_node_object(self, dual_stack: Cluster) -> None:
        for node in dual_stack.nodes:
            line = node.run("journalctl -u kube-proxy -o cat | grep 'Successfully retrieved NodeIPs' | tail -n 1")
            assert f'NodeIPs=["{node.worker.address}","{ipv6.address(node)}"]' in line
