"""The complete message of SettingsError."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from settings import Kind, SettingsError, load
from settings.stack import Stack

EMPTY = """\
the stack's configuration (kube-proxy:) has 7 problems:
  cluster.server: Required value: must be the API server's URL (e.g. https://192.168.99.100:8443)
  cluster.version: Required value: must be the control plane's version (e.g. 1.36.2): see kubectl version
  certificateAuthority.certificateFile: Required value: must name the certificate authority's certificate (e.g. cert/ca.pem)
  certificateAuthority.privateKeyFile: Required value: must name the file with the CA's private key (e.g. cert/ca-key.pem); or set a secret of the stack instead: pulumi config set --secret kube-proxy:caPrivateKey < FILE
  ssh.privateKeyFile: Required value: must name the file with the SSH private key (e.g. ~/.ssh/id_ed25519); or set a secret of the stack instead: pulumi config set --secret kube-proxy:sshPrivateKey < FILE
  nodes: Required value: must list the workers (name, address, hostKey), here or in a YAML file that nodesFile names
  binary.version: Required value: must be kube-proxy's version (e.g. 1.36.2)"""

ONE = """\
the stack's configuration (kube-proxy:) has 1 problem:
  cluster.clusterCIDR: Invalid value: "172.30.0.0": must be a valid CIDR block (e.g. 172.30.0.0/16)"""

SEVERAL = """\
the stack's configuration (kube-proxy:) has 6 problems:
  cluster.clusterCIDR: Invalid value: "172.30.0.0": must be a valid CIDR block (e.g. 172.30.0.0/16)
  nodes[1].hostKey: Required value: must be the node's SSH host key, without the host name before it: ssh-keyscan -t ed25519 -p 22 192.168.99.102
  nodes[2].name: Duplicate value: "k8s-node01"
  configuration.mode: Unsupported value: "userspace": supported values: "ipvs", "iptables", "nftables"
  clster: Forbidden: unknown key; did you mean "cluster"?
  clientCertificate.subject.country: Invalid value: "China": must be two capital letters, from ISO 3166 (e.g. CN)"""


def message(values: Mapping[str, object], project: Path) -> str:
    with pytest.raises(SettingsError) as raised:
        load(values, project)
    return str(raised.value)


def test_message_for_an_empty_stack_lists_every_required_key(project: Path) -> None:
    assert message({}, project) == EMPTY


def test_message_for_one_problem(values: dict[str, Any], project: Path) -> None:
    values["cluster"]["clusterCIDR"] = "172.30.0.0"

    assert message(values, project) == ONE


def test_message_follows_the_order_of_the_stack(values: dict[str, Any], project: Path) -> None:
    values["cluster"]["clusterCIDR"] = "172.30.0.0"
    del values["nodes"][1]["hostKey"]
    values["nodes"][2]["name"] = "k8s-node01"
    values["configuration"]["mode"] = "userspace"
    values |= {"clster": {}, "clientCertificate": {"subject": {"country": "China"}}}

    assert message(values, project) == SEVERAL


def test_problems_are_available_as_data(values: dict[str, Any], project: Path) -> None:
    values["cluster"]["clusterCIDR"] = "172.30.0.0"
    with pytest.raises(SettingsError) as raised:
        load(values, project)
    (problem,) = raised.value.problems

    assert (problem.path, problem.kind, problem.value) == ("cluster.clusterCIDR", Kind.INVALID, "172.30.0.0")


def test_message_has_one_line_per_problem_whatever_the_value(values: dict[str, Any], project: Path) -> None:
    values["cluster"] = "a\nb\x1b[2J\x85" + "c" * 200
    values["d\u2028e"] = 1
    problem = f'cluster: Invalid value: "a\\nb\\u001b[2J\\x85{"c" * 145}…: must be a mapping'

    assert message(values, project).split("\n")[1:] == [
        f"  {problem}",
        "  [d\\u2028e]: Forbidden: unknown key; known keys: " + ", ".join(Stack.known_keys()),
    ]


@pytest.mark.parametrize("key", ["caPrivateKey", "sshPrivateKey"])
@pytest.mark.parametrize("value", ["hunter2", {"pem": "hunter2"}, ["hunter2"]])
def test_secret_is_never_shown(values: dict[str, Any], project: Path, key: str, value: object) -> None:
    section = "certificateAuthority" if key == "caPrivateKey" else "ssh"
    del values[section]["privateKeyFile"]
    values[key] = value
    with pytest.raises(SettingsError) as raised:
        load(values, project)

    assert f"{key}: Invalid value: must be" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(raised.value.problems)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("newline", ["\n", "\\n"])
@pytest.mark.parametrize("place", ["certificateFile", "privateKeyFile", "generate", "privateKey"])
def test_private_key_in_the_wrong_place_is_never_shown(
    values: dict[str, Any], project: Path, place: str, newline: str
) -> None:
    values["certificateAuthority"][place] = (project / "ca-key.pem").read_text().replace("\n", newline)
    with pytest.raises(SettingsError) as raised:
        load(values, project)

    assert f"certificateAuthority.{place}" in str(raised.value)
    for line in (project / "ca-key.pem").read_text().splitlines():
        assert line not in str(raised.value)
        assert line not in repr(raised.value.problems)
