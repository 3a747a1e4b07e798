"""The recorded feature gates are those of each version's kube-proxy."""

import re
import shutil
import subprocess

import pytest
import yaml

from settings.kube_proxy_configuration import feature_gates
from settings.versions import SUPPORTED_MINORS, KubernetesVersion
from tests.kube_proxy.program import VERSIONS, ask


def gate_error(version: str, gates: dict[str, bool]) -> str:
    """Return kube-proxy's error about these gates, or an empty text if it accepts them."""
    head = {"kind": "KubeProxyConfiguration", "apiVersion": "kubeproxy.config.k8s.io/v1alpha1"}
    answer = ask(version, yaml.safe_dump({**head, "featureGates": gates}))
    return "" if answer.accepted else answer.error


def test_toolchain_has_a_kube_proxy_of_each_supported_minor() -> None:
    pinned = tuple(KubernetesVersion(version).minor for version in VERSIONS)
    assert pinned == SUPPORTED_MINORS, "development/toolchain must pin each of them: see docs/adding.md"


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_gates_are_those_in_the_help_text(version: str) -> None:
    """The help text has alpha and beta gates with their defaults. Deprecated and GA gates are accepted, but not listed."""
    help_text = subprocess.run(
        [str(shutil.which(f"kube-proxy-{version}")), "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = re.findall(r"(\w+)=true\|false \((ALPHA|BETA) - default=(true|false)\)(?! if)", help_text)
    known = feature_gates.known(KubernetesVersion(version).minor)

    assert {(name, stage.lower(), default == "true") for name, stage, default in listed} == {
        (name, gate.stage, gate.default) for name, gate in known.items() if gate.stage in ("alpha", "beta")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_gates_are_accepted_with_their_defaults(version: str) -> None:
    known = feature_gates.known(KubernetesVersion(version).minor)

    assert gate_error(version, {name: gate.default for name, gate in known.items()}) == ""
    assert feature_gates.unmet(KubernetesVersion(version).minor, {}) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_locked_gates_are_refused_with_another_value(version: str) -> None:
    """kube-proxy names all of them in one message."""
    known = feature_gates.known(KubernetesVersion(version).minor)
    locked = {name for name, gate in known.items() if gate.locked}
    error = gate_error(version, {name: not known[name].default for name in locked})

    assert set(re.findall(r"cannot set feature gate (\w+) to", error)) == locked


@pytest.mark.parametrize("version", VERSIONS)
def test_gates_of_other_versions_are_refused(version: str) -> None:
    """Only every eighth is tried, because kube-proxy names only one of them in a message."""
    minor = KubernetesVersion(version).minor
    others = {name for other in SUPPORTED_MINORS for name in feature_gates.known(other)}
    for name in sorted(others - set(feature_gates.known(minor)))[::8]:
        assert f"unrecognized feature gate: {name}" in gate_error(version, {name: True})
