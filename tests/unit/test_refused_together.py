"""Rules between fields, and what must not be lost when several are wrong."""

from collections.abc import Callable
from typing import Any

Values = dict[str, Any]
Refused = Callable[[Values], list[str]]


class TestSeveralFields:
    def test_one_endpoint_for_two_nodes(self, values: Values, refused: Refused) -> None:
        for index in (0, 2):
            values["nodes"][index]["ssh"] = {"host": "127.0.0.1", "port": 2201}

        assert refused(values) == ['nodes[2].ssh: Duplicate value: "127.0.0.1:2201"']

    def test_two_ways_to_write_one_address(self, values: Values, refused: Refused) -> None:
        values["cluster"]["clusterCIDR"] = "fd00:172:30::/56"
        for node, address in zip(values["nodes"], ("fd00::1", "fd00::2", "fd00:0:0::1"), strict=True):
            node["address"] = address

        assert refused(values) == ['nodes[2].address: Duplicate value: "fd00::1"']

    def test_a_field_of_the_fleet_is_told_once_not_for_each_node(self, values: Values, refused: Refused) -> None:
        values["configuration"]["hostnameOverride"] = "k8s-node01"

        assert refused(values) == [
            'configuration.hostnameOverride: Invalid value: "k8s-node01": must be the node\'s name "k8s-node02": remove it'
        ]

    def test_a_control_plane_four_minors_ahead(self, values: Values, refused: Refused) -> None:
        values["cluster"]["version"] = "1.40.0"

        assert refused(values) == [
            'binary.version: Invalid value: "1.36.2": must be at most three minor versions older than '
            "cluster.version 1.40.0 (Kubernetes' version skew policy): use 1.37 or newer"
        ]

    def test_a_section_that_is_none_hides_no_other(self, values: Values, refused: Refused) -> None:
        values["cluster"] = "kubernetes"
        values["nodes"][1]["name"] = "k8s-node01"

        assert refused(values) == [
            'cluster: Invalid value: "kubernetes": must be a mapping',
            'nodes[1].name: Duplicate value: "k8s-node01"',
        ]

    def test_rules_between_fields_are_checked_beside_fields_of_the_wrong_shape(
        self, values: Values, refused: Refused
    ) -> None:
        values["cluster"]["server"] = 8443
        values["nodes"][0]["ssh"] = {"port": "many"}
        values["nodes"][2]["address"] = "192.168.99.102"
        values["binary"]["version"] = "1.37.2"

        assert [line.split(": ")[0] for line in refused(values)] == [
            "cluster.server",
            "nodes[0].ssh.port",
            "nodes[2].address",
            "binary.version",
        ]
