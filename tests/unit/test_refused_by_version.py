"""Rules that depend on kube-proxy's minor version. The message names the version that differs."""

from collections.abc import Callable
from typing import Any

import pytest

from settings.addresses import ClusterCIDR
from settings.kube_proxy_configuration import Fleet, check_configuration
from settings.problems import Problems
from settings.versions import SUPPORTED_MINORS

CASES: list[tuple[int, dict[str, Any], list[str]]] = [
    (
        36,
        {"nodePortAddresses": ["localhost", "all"]},
        [
            'configuration.nodePortAddresses[0]: Invalid value: "localhost": must be a CIDR block (e.g. 192.168.99.0/24) '
            "or primary; localhost is new in 1.37; binary.version is 1.36",
            'configuration.nodePortAddresses[1]: Invalid value: "all": must be a CIDR block (e.g. 192.168.99.0/24) '
            "or primary; all is new in 1.37; binary.version is 1.36",
        ],
    ),
    (
        34,
        {"nodePortAddresses": ["10.0.0.0/8", "primary"]},
        [
            'configuration.nodePortAddresses[1]: Invalid value: "primary": must be the only item before 1.37; '
            "binary.version is 1.34"
        ],
    ),
    (34, {"nodePortAddresses": ["primary"]}, []),
    (37, {"nodePortAddresses": ["primary", "localhost", "10.0.0.0/8"]}, []),
    (
        37,
        {"nodePortAddresses": ["all", "all"]},
        ['configuration.nodePortAddresses[1]: Duplicate value: "all"'],
    ),
    (35, {"showHiddenMetricsForVersion": "1.34"}, []),
    (
        36,
        {"showHiddenMetricsForVersion": "1.34"},
        [
            'configuration.showHiddenMetricsForVersion: Invalid value: "1.34": '
            'must be "1.35", the minor version before binary.version'
        ],
    ),
    (
        36,
        {"featureGates": {"KubeProxyIPVS": True}},
        [
            "configuration.featureGates.KubeProxyIPVS: Forbidden: unknown feature gate in 1.36, new in 1.37: "
            "remove it, or use that kube-proxy"
        ],
    ),
    (
        36,
        {"featureGates": {"HonorPVReclaimPolicy": True}},
        [
            "configuration.featureGates.HonorPVReclaimPolicy: Forbidden: feature gate of 1.35, removed in 1.36: remove it"
        ],
    ),
    (
        36,
        {"featureGates": {"NFTablesProxymode": True}},
        [
            "configuration.featureGates.NFTablesProxymode: Forbidden: unknown feature gate; "
            'did you mean "NFTablesProxyMode"?'
        ],
    ),
    (
        34,
        {"featureGates": {"NFTablesProxyMode": False}},
        [
            "configuration.featureGates.NFTablesProxyMode: Invalid value: false: "
            "must be true, it is locked in 1.34: remove it"
        ],
    ),
    (
        35,
        {"featureGates": {"RestartAllContainersOnContainerExits": True}},
        [
            "configuration.featureGates.RestartAllContainersOnContainerExits: Invalid value: true: must be consistent: "
            "RestartAllContainersOnContainerExits is on and needs NodeDeclaredFeatures"
        ],
    ),
    (
        37,
        {"mode": "ipvs", "featureGates": {"KubeProxyIPVS": False}},
        [
            'configuration.mode: Unsupported value: "ipvs": needs the feature gate KubeProxyIPVS, which is off: '
            "turn it on, or use nftables"
        ],
    ),
    *(
        (
            minor,
            {"logging": {"options": {"text": {"infoBufferSize": "1Ki"}, "json": {"infoBufferSize": "0.0Ki"}}}},
            [
                "configuration.logging.options.text.infoBufferSize: Forbidden: "
                "needs the feature gate LoggingAlphaOptions (alpha): turn it on, or remove infoBufferSize",
            ],
        )
        for minor in SUPPORTED_MINORS
    ),
    *(
        (
            minor,
            {
                "featureGates": {"LoggingAlphaOptions": True},
                "logging": {"options": {"json": {"infoBufferSize": 512}}},
            },
            [],
        )
        for minor in SUPPORTED_MINORS
    ),
]


def errors(minor: int, configuration: dict[str, Any]) -> list[str]:
    problems = Problems()
    fleet = Fleet({"mode": "nftables", **configuration}, minor, ClusterCIDR("172.30.0.0/16"), {})
    check_configuration(fleet, [], ("nodes",), problems)
    return [str(problem) for problem in problems.errors({"configuration": configuration})]


@pytest.mark.parametrize(("minor", "configuration", "message"), CASES)
def test_configuration_is_checked_for_its_minor_version(
    minor: int, configuration: dict[str, Any], message: list[str]
) -> None:
    assert errors(minor, configuration) == message


def test_version_rules_use_binary_version(
    values: dict[str, Any], refused: Callable[[dict[str, Any]], list[str]]
) -> None:
    values["cluster"]["version"] = "1.37.2"
    values["binary"]["version"] = "1.37.2"
    values["configuration"] = {
        "mode": "nftables",
        "nodePortAddresses": ["all"],
        "featureGates": {"KubeProxyIPVS": True},
    }
    values["nodes"][1]["hostKey"] = "x"
    assert len(refused(values)) == 1

    values["binary"]["version"] = "1.36.2"
    assert len(refused(values)) == 3


def test_without_binary_version_only_rules_for_all_versions_apply(
    values: dict[str, Any], refused: Callable[[dict[str, Any]], list[str]]
) -> None:
    del values["binary"]["version"]
    values["configuration"] |= {"nodePortAddresses": ["all"], "oomScoreAdj": 2000}

    assert refused(values) == [
        "binary.version: Required value: must be kube-proxy's version (e.g. 1.36.2)",
        "configuration.oomScoreAdj: Invalid value: 2000: must be a whole number from -1000 to 1000",
    ]
