"""Settings accept a configuration exactly if kube-proxy of that version does, and both understand it the same way.

`KUBE_PROXY_DRAWS=2500 pytest tests/kube_proxy` draws 2500 configurations for each version.
"""

import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from documents import kube_proxy_configuration as document
from documents import paths
from settings import Cluster, KubeProxyConfiguration, Mode, NodeConfiguration, Problem
from settings.kube_proxy_configuration import Fleet, check_configuration
from settings.kube_proxy_configuration.values import amount
from settings.problems import Location, Problems
from settings.section import Section, read_section
from settings.stack import NodeSection
from settings.versions import KubernetesVersion
from tests.kube_proxy.draws import CLUSTER_CIDRS, CONFIGURATIONS
from tests.kube_proxy.program import VERSIONS, ask

DRAWS = int(os.environ.get("KUBE_PROXY_DRAWS", "60"))

STRICTER = [
    "configuration.(kind|apiVersion|winkernel|windowsRunAsService|clientConnection.kubeconfig): Forbidden",
    "hostnameOverride: .*must be the (node's name|Node object's name)",
    "bindAddress: .*must be (an IP address|written as an IPv4 address|an IPv[46] address, as cluster.clusterCIDR)",
    "BindAddress: .*must be (IP:port|written as an IPv4 address|a string)|must have a different port",
    'mode: Unsupported value: ""',
    "ipvs.scheduler: Unsupported value",
    "splitStream: Forbidden",
    r'Invalid value: "0\d.*must be a CIDR block',  # some programs parse it as octal, Go parses it as decimal
    "must be .* network interface's name",
    "must be a media type",
    r"Invalid value: -?\d+\.0: must be a whole number",
    "infoBufferSize: .*must be a quantity",
]
"""Errors of settings although kube-proxy accepts the value: mistakes that would show on the node, or never."""

FOUND: list[dict[str, Any]] = [
    {"configSyncPeriod": None},  # kube-proxy exits with a null duration, so nulls are not rendered
    {"logging": {"options": {"unknown": None}}},  # crashed the check
    {"logging": {"flushFrequency": "-1s"}},  # 1.34 accepts it, and panics
    {"clientConnection": {"contentType": "\x85"}},  # not allowed in an HTTP header
    {"mode": "nftables", "iptables": None},  # then nodePortAddresses is primary
    {"logging": {"options": {"json": {"splitStream": True}}}},  # ignored, with and without the gate
    {"healthzBindAddress": "192.168.99.101:٥"},  # a digit for Python, but not for Go
    {"logging": {"options": {"json": {"infoBufferSize": "1e99"}}}},  # overflows to 0 in Go
    {"portRange": "yes"},  # parsed, but not kept
    {"clientConnection": {"qps": -5.960464477539063e-08}},  # a float32
]
"""Counter-examples that the draws have found. Each has led to a change in settings or in this comparison."""

Values = Mapping[str, Any]
NAME, V4, V6 = "k8s-node01", "192.168.99.101", "fd00:99::101"


def configured(
    fleet: Values, own: Values, version: str, cidr: str | None
) -> tuple[NodeConfiguration, Cluster, tuple[Problem, ...]]:
    """Return the node, its cluster, and the errors in the node's configuration."""
    section = NodeSection(name=NAME, address=V6 if cidr and cidr.startswith("fd") else V4, configuration=own)
    cluster = Cluster(server="https://192.168.99.100:8443", version=version, cluster_cidr=cidr)
    problems = Problems()
    shared = Fleet(fleet, KubernetesVersion(version).minor, cluster.cluster_cidr, {section.address.ip: NAME})
    (node,) = check_configuration(shared, [section], ("nodes",), problems)
    return node, cluster, problems.errors({})


def agree(fleet: Values, own: Values, version: str, cidr: str | None) -> None:
    node, cluster, errors = configured(fleet, own, version, cidr)
    answer = ask(version, document.render(node, cluster))
    if not errors:
        assert answer.accepted, answer.error
        assert meaning(answer.decoded, cidr) == meaning(document.document(node, cluster), cidr)
    elif answer.accepted:
        assert not unjustified(node, version, cidr)


def unjustified(node: NodeConfiguration, version: str, cidr: str | None) -> list[str]:
    """Return the errors that are not justified, because kube-proxy accepts the configuration.

    Errors in a fleet's value that the node overrides, and in a section of another mode, are justified: the next change
    would reveal them.
    """
    _, _, errors = configured(node.configuration, {}, version, cidr)
    others = {"iptables", "ipvs", "nftables"} - {node.configuration.get("mode", "ipvs")}
    reasons = [*STRICTER, *(rf"configuration\.{mode}(\.|:)" for mode in others)]
    return [str(error) for error in errors if not any(re.search(reason, str(error)) for reason in reasons)]


def meaning(document: Values, cidr: str | None) -> dict[Location, object]:
    """Return each value that kube-proxy keeps (see v1alpha1/conversion.go), with defaults for unset fields."""
    fields = dict(document)
    connection = dict(fields["clientConnection"])
    assert connection.pop("kubeconfig") == paths.KUBECONFIG
    assert fields.pop("clusterCIDR", "") == (cidr or "")
    if fields["mode"] == "nftables" and not fields.get("nodePortAddresses"):
        fields["nodePortAddresses"] = ["primary"]
    problems = Problems()
    read = read_section(KubeProxyConfiguration, fields | {"clientConnection": connection}, problems)
    assert {error.path for error in problems.errors({})} <= {"kind", "apiVersion", "winkernel", "windowsRunAsService"}
    other_modes = {"iptables", "ipvs", "nftables"} - {read.mode}
    lost: set[Location] = {(name, period) for name in other_modes for period in ("syncPeriod", "minSyncPeriod")}
    lost |= {("iptables" if read.mode == Mode.NFTABLES else "nftables", "masqueradeAll"), ("portRange",)}
    return {
        place: amount(str(value)) if place[-1] == "infoBufferSize" else _float32(value)
        for place, value in _values(read, ())
        if place not in lost
    }


def _values(section: Section, at: Location) -> Iterator[tuple[Location, object]]:
    for name, field in type(section).model_fields.items():
        place, value = (*at, str(field.alias)), getattr(section, name)
        if isinstance(value, Section):
            yield from _values(value, place)
        else:
            yield place, value


def _float32(value: object) -> object:
    return struct.unpack("f", struct.pack("f", value)) if isinstance(value, float) else value


@pytest.mark.parametrize("version", VERSIONS)
@hypothesis.settings(max_examples=DRAWS, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(CONFIGURATIONS, CONFIGURATIONS | st.just({}), CLUSTER_CIDRS)
def test_settings_and_kube_proxy_agree_on_any_configuration(
    version: str, fleet: Values, own: Values, cidr: str | None
) -> None:
    agree(fleet, own, version, cidr)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("configuration", FOUND)
def test_settings_and_kube_proxy_agree_on_earlier_counter_examples(version: str, configuration: Values) -> None:
    agree(configuration, {}, version, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_settings_and_kube_proxy_agree_on_the_configuration_that_kubeadm_writes(version: str) -> None:
    """It has every field, most of them 0, empty or null. Only the fields that a stack must not set are removed."""
    written = yaml.safe_load(Path(__file__).with_name("kubeadm.yaml").read_text())
    cidr = written.pop("clusterCIDR")
    gone = ("kind", "apiVersion", "mode", "winkernel", "clientConnection.kubeconfig")
    assert {error.path for error in configured(written, {}, version, cidr)[2]} == {
        f"configuration.{name}" for name in gone
    }

    for name in ("kind", "apiVersion", "mode", "winkernel"):
        del written[name]
    del written["clientConnection"]["kubeconfig"]
    assert configured(written, {}, version, cidr)[2] == ()
    agree(written, {}, version, cidr)
