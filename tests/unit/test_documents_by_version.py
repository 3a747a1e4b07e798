"""A node's configuration for each version and mode, with the fields that the version has: golden files.

tests/kube_proxy has the kube-proxy of each version read them.
"""

from collections.abc import Callable
from typing import Any

import pytest

from documents import kube_proxy_configuration
from settings import Settings
from settings.kube_proxy_configuration import Mode
from settings.versions import SUPPORTED_MINORS

COMMON: dict[str, Any] = {
    "clientConnection": {"contentType": "application/vnd.kubernetes.protobuf", "qps": 50, "burst": 100},
    "logging": {"format": "text", "flushFrequency": "10s", "vmodule": [{"filePattern": "proxier", "verbosity": 4}]},
    "bindAddressHardFail": True,
    "enableProfiling": True,
    "detectLocalMode": "ClusterCIDR",
    "oomScoreAdj": -998,
    "conntrack": {
        "maxPerCore": 65536,
        "min": 262144,
        "tcpEstablishedTimeout": "2h",
        "tcpCloseWaitTimeout": "1h0m0s",
        "tcpBeLiberal": True,
        "udpTimeout": "30s",
        "udpStreamTimeout": "3m",
    },
    "configSyncPeriod": "15m",
}
BY_MODE: dict[Mode, dict[str, Any]] = {
    Mode.IPVS: {
        "ipvs": {
            "scheduler": "wrr",
            "strictARP": True,
            "excludeCIDRs": ["10.96.0.0/16", "fd00:96::/112"],
            "syncPeriod": "30s",
            "minSyncPeriod": "2s",
            "tcpTimeout": "15m",
            "tcpFinTimeout": "2m",
            "udpTimeout": "5m",
        },
        "iptables": {"masqueradeBit": 15, "masqueradeAll": True},
    },
    Mode.IPTABLES: {"iptables": {"localhostNodePorts": False, "syncPeriod": "1m", "minSyncPeriod": "500ms"}},
    Mode.NFTABLES: {
        "nftables": {"masqueradeBit": 15, "masqueradeAll": True, "syncPeriod": "1m", "minSyncPeriod": "2s"}
    },
}
BY_MINOR: dict[int, dict[str, Any]] = {
    34: {"nodePortAddresses": ["primary"]},
    35: {"nodePortAddresses": ["192.168.99.0/24", "fd00:99::/64"], "featureGates": {"ContextualLogging": True}},
    36: {"nodePortAddresses": ["primary"], "featureGates": {"LoggingAlphaOptions": False}},
    37: {
        "nodePortAddresses": ["primary", "localhost", "192.168.99.0/24"],
        "featureGates": {"KubeProxyIPVS": True, "KubeProxyNFTablesLocalhostNodePorts": True},
    },
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("minor", SUPPORTED_MINORS)
def test_configuration_of_each_version_and_mode(
    minor: int,
    mode: Mode,
    values: dict[str, Any],
    loaded: Callable[[dict[str, Any]], Settings],
    golden: Callable[[str, str], None],
) -> None:
    values["cluster"]["version"] = values["binary"]["version"] = f"1.{minor}.0"
    of_the_version = {**BY_MINOR[minor], "showHiddenMetricsForVersion": f"1.{minor - 1}"}
    values["configuration"] = {**COMMON, **BY_MODE[mode], **of_the_version, "mode": mode.value}
    values["nodes"][0]["configuration"] = {"conntrack": {"min": None, "udpTimeout": "10s"}, "portRange": ""}
    settings = loaded(values)

    golden(
        f"kube-proxy-config.1.{minor}-{mode}.yaml", kube_proxy_configuration.render(settings.nodes[0], settings.cluster)
    )
