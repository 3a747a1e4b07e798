"""Rules between fields, and several problems at once."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings import SettingsError, load

Values = dict[str, Any]
Refused = Callable[[Values], list[str]]


class TestSeveralFields:
    def test_two_nodes_must_not_have_the_same_ssh_endpoint(self, values: Values, refused: Refused) -> None:
        for index in (0, 2):
            values["nodes"][index]["ssh"] = {"host": "127.0.0.1", "port": 2201}

        assert refused(values) == ['nodes[2].ssh: Duplicate value: "127.0.0.1:2201"']

    def test_same_address_in_another_notation_is_a_duplicate(self, values: Values, refused: Refused) -> None:
        values["cluster"]["clusterCIDR"] = "fd00:172:30::/56"
        for node, address in zip(values["nodes"], ("fd00::1", "fd00::2", "fd00:0:0::1"), strict=True):
            node["address"] = address

        assert refused(values) == ['nodes[2].address: Duplicate value: "fd00::1"']

    def test_fleets_field_is_reported_once_not_for_each_node(self, values: Values, refused: Refused) -> None:
        values["configuration"]["hostnameOverride"] = "k8s-node01"

        assert refused(values) == [
            'configuration.hostnameOverride: Invalid value: "k8s-node01": must be the node\'s name "k8s-node02": remove it'
        ]

    def test_control_plane_must_not_be_four_minors_newer(self, values: Values, refused: Refused) -> None:
        values["cluster"]["version"] = "1.40.0"

        assert refused(values) == [
            'binary.version: Invalid value: "1.36.2": must be at most three minor versions older than '
            "cluster.version 1.40.0 (Kubernetes' version skew policy): use 1.37 or newer"
        ]

    def test_invalid_section_hides_no_other_problem(self, values: Values, refused: Refused) -> None:
        values["cluster"] = "kubernetes"
        values["nodes"][1]["name"] = "k8s-node01"

        assert refused(values) == [
            'cluster: Invalid value: "kubernetes": must be a mapping',
            'nodes[1].name: Duplicate value: "k8s-node01"',
        ]

    def test_rules_between_fields_are_checked_despite_invalid_fields(self, values: Values, refused: Refused) -> None:
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


def test_time_grows_with_the_number_of_problems_and_not_with_its_square(values: Values, project: Path) -> None:
    """With the square, 3,000 nodes took 45 s. A tenth of them is the measure for all, on a busy machine too."""

    def seconds(count: int) -> float:
        values["nodes"] = [{"name": f"N{at}", "address": "127.0.0.1", "hotsKey": "x"} for at in range(count)]
        start = time.process_time()
        with pytest.raises(SettingsError) as raised:
            load(values, project)
        assert len(raised.value.problems) == 4 * count
        return time.process_time() - start

    seconds(10)
    assert seconds(2_000) < 30 * seconds(200)


@pytest.mark.parametrize(
    ("key", "value", "must"),
    [
        ("nodes", [{}] * 10_001, "must have at most 10000 nodes"),
        ("configuration", {"ipvs": {"excludeCIDRs": ["10.0.0.0/8"] * 1_000}}, "must have at most 1000 values"),
    ],
)
def test_size_is_limited(values: Values, refused: Refused, key: str, value: object, must: str) -> None:
    values[key] = value

    (problem,) = refused(values)
    assert problem.startswith(f"{key}: Invalid value: ")
    assert problem.endswith(f"…: {must}")


def test_number_of_shown_problems_is_limited(values: Values, project: Path) -> None:
    values["cluster"] |= {f"key{at}": at for at in range(10_005)}
    with pytest.raises(SettingsError) as raised:
        load(values, project)

    assert len(raised.value.problems) == 10_001
    assert str(raised.value).splitlines()[-1] == "  Too many: 5 more are not shown: fix these first"
