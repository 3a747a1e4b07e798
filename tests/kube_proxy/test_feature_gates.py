"""The gates' files say what each version's kube-proxy says."""

import re
import shutil
import subprocess

import pytest
import yaml

from settings.kube_proxy_configuration import feature_gates
from settings.versions import SUPPORTED_MINORS, KubernetesVersion
from tests.kube_proxy.program import VERSIONS, ask


def answered(version: str, gates: dict[str, bool]) -> str:
    """Return what kube-proxy says of these gates, nothing if it accepts them."""
    head = {"kind": "KubeProxyConfiguration", "apiVersion": "kubeproxy.config.k8s.io/v1alpha1"}
    answer = ask(version, yaml.safe_dump({**head, "featureGates": gates}))
    return "" if answer.accepted else answer.said


def test_there_is_a_version_of_each_supported_minor() -> None:
    assert tuple(KubernetesVersion(version).minor for version in VERSIONS) == SUPPORTED_MINORS


@pytest.mark.parametrize("version", VERSIONS)
def test_are_those_that_its_help_lists(version: str) -> None:
    """It lists alpha and beta ones, with their defaults; deprecated and stable ones it only accepts."""
    said = subprocess.run(
        [str(shutil.which(f"kube-proxy-{version}")), "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    listed = re.findall(r"(\w+)=true\|false \((ALPHA|BETA) - default=(true|false)\)(?! if)", said)
    known = feature_gates.known(KubernetesVersion(version).minor)

    assert {(name, stage.lower(), default == "true") for name, stage, default in listed} == {
        (name, gate.stage, gate.default) for name, gate in known.items() if gate.stage in ("alpha", "beta")
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_are_all_accepted_with_their_defaults(version: str) -> None:
    known = feature_gates.known(KubernetesVersion(version).minor)

    assert answered(version, {name: gate.default for name, gate in known.items()}) == ""
    assert feature_gates.unmet(KubernetesVersion(version).minor, {}) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_that_are_locked_are_all_refused_with_another_value(version: str) -> None:
    """kube-proxy names each of them in one message."""
    known = feature_gates.known(KubernetesVersion(version).minor)
    locked = {name for name, gate in known.items() if gate.locked}
    said = answered(version, {name: not known[name].default for name in locked})

    assert set(re.findall(r"cannot set feature gate (\w+) to", said)) == locked


@pytest.mark.parametrize("version", VERSIONS)
def test_of_other_versions_are_refused(version: str) -> None:
    """Some of them: kube-proxy names one in a message."""
    minor = KubernetesVersion(version).minor
    others = {name for other in SUPPORTED_MINORS for name in feature_gates.known(other)}
    for name in sorted(others - set(feature_gates.known(minor)))[::8]:
        assert f"unrecognized feature gate: {name}" in answered(version, {name: True})
