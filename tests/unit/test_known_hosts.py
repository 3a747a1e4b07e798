"""`ssh.knownHostsFile`: host keys as `ssh` and `ssh-keyscan` write them."""

import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import MPInt, String

from settings import Settings, known_hosts
from settings.load import find_problems
from settings.problems import Problem

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]

KEYS = {
    name: " ".join(asyncssh.generate_private_key(kind).export_public_key().decode().split()[:2])
    for name, kind in (
        ("ed25519", "ssh-ed25519"),
        ("other", "ssh-ed25519"),
        ("ecdsa", "ecdsa-sha2-nistp384"),
        ("rsa", "ssh-rsa"),
    )
}
NEGATIVE_RSA = b64encode(String("ssh-rsa") + MPInt(-3) + MPInt(5)).decode()
LINES = """\
# a comment
{first} {ed25519} root@node
192.168.99.102,k8s-node02 {ecdsa}
192.168.99.103 {rsa}
192.168.99.103 {ecdsa}
192.168.99.103 {ed25519}
"""


@pytest.fixture
def listed(values: Values) -> Values:
    """A stack whose nodes have no hostKey."""
    values["ssh"]["knownHostsFile"] = "known_hosts"
    for node in values["nodes"]:
        del node["hostKey"]
    return values


@pytest.fixture
def write(project: Path) -> Callable[..., Path]:
    def run(text: str = LINES, first: str = "192.168.99.101", **more: str) -> Path:
        path = project / "known_hosts"
        path.write_text(text.format(first=first, **KEYS, **more))
        return path

    return run


def host_keys(settings: Settings) -> list[str]:
    return [node.ssh.host_key for node in settings.nodes]


def test_nodes_without_a_host_key_have_that_of_the_file(
    listed: Values, loaded: Load, write: Callable[..., Path]
) -> None:
    write()
    assert host_keys(loaded(listed)) == [KEYS["ed25519"], KEYS["ecdsa"], KEYS["ed25519"]]


def test_names_may_be_hashed(listed: Values, loaded: Load, write: Callable[..., Path]) -> None:
    path = write(first="[192.168.99.101]:2222")
    listed["nodes"][0]["ssh"] = {"port": 2222}
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, stderr=subprocess.DEVNULL)
    assert "192.168" not in path.read_text()
    assert host_keys(loaded(listed)) == [KEYS["ed25519"], KEYS["ecdsa"], KEYS["ed25519"]]


def test_port_is_part_of_a_name(listed: Values, loaded: Load, write: Callable[..., Path]) -> None:
    write(LINES + "[192.168.99.101]:2222 {other}\n")
    listed["nodes"][0]["ssh"] = {"port": 2222}
    assert host_keys(loaded(listed))[0] == KEYS["other"]
    listed["nodes"][0]["ssh"] = {"port": 22}
    assert host_keys(loaded(listed))[0] == KEYS["ed25519"]


def test_nodes_own_host_key_wins(listed: Values, loaded: Load, write: Callable[..., Path]) -> None:
    write()
    listed["nodes"][0]["hostKey"] = KEYS["other"]
    assert host_keys(loaded(listed))[0] == KEYS["other"]


def test_bastion_may_be_in_the_file(listed: Values, loaded: Load, write: Callable[..., Path]) -> None:
    write(LINES + "[bastion.example.org]:2222 {other}\n")
    listed["ssh"]["bastion"] = {"host": "bastion.example.org", "port": 2222}
    bastion = loaded(listed).nodes[0].ssh.bastion
    assert bastion
    assert bastion.host_key == KEYS["other"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "has none for it"),
        ("192.168.99.101 {rsa}\n", "has only ssh-rsa for it, and the command plugin needs another key"),
        ("192.168.99.101 {other}\n@revoked * {other}\n", "has only revoked keys for it (@revoked)"),
        (
            "@cert-authority 192.168.99.* {other}\n",
            "has only an authority for it (@cert-authority), and host certificates are not supported",
        ),
    ],
)
def test_node_without_a_usable_key_is_named_with_the_file(
    listed: Values, refused: Refused, write: Callable[..., Path], lines: str, reason: str
) -> None:
    write(LINES.replace("{first}", "elsewhere") + lines)
    assert refused(listed) == [
        f"nodes[0].hostKey: Required value: must be the node's SSH host key, or be in ssh.knownHostsFile: known_hosts "
        f"{reason}: ssh-keyscan -t ed25519 -p 22 192.168.99.101"
    ]


def test_revoked_key_is_not_used_if_there_is_another(listed: Values, loaded: Load, write: Callable[..., Path]) -> None:
    write(LINES + "@revoked 192.168.99.103 {ed25519}\n")
    assert host_keys(loaded(listed))[2] == KEYS["ecdsa"]


def test_file_must_be_known_hosts_and_is_not_shown(listed: Values, refused: Refused, project: Path) -> None:
    (project / "known_hosts").write_text((project / "id_ed25519").read_text())
    assert refused(listed) == [
        'ssh.knownHostsFile: Invalid value: "known_hosts": must name a file in the format of known_hosts; line 2 is not'
    ]


@pytest.mark.parametrize(
    "line", ["one-word", "@unknown * {other}", "|1|AAAA {other}", f"* ssh-rsa {NEGATIVE_RSA}"], ids=lambda it: it[:10]
)
def test_line_that_is_none_is_named_by_its_number(
    listed: Values, refused: Refused, write: Callable[..., Path], line: str
) -> None:
    write(f"# a comment\n\n{line}\n")
    assert refused(listed) == [
        'ssh.knownHostsFile: Invalid value: "known_hosts": must name a file in the format of known_hosts; line 3 is not'
    ]


def test_names_that_are_compared_one_by_one_are_limited(
    listed: Values, refused: Refused, loaded: Load, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a file of 4 MiB and 10,000 nodes would take an hour."""
    monkeypatch.setattr(known_hosts, "MOST_COMPARED", 5)
    write(LINES + "@revoked *.example.org {other}\n|1|AAAA|AAAA {other}\n")
    few = "too many hashed names and patterns for so many hosts; let it have plain names, as ssh-keyscan writes them"
    assert refused(listed) == [
        f"nodes[2].hostKey: Required value: must be the node's SSH host key, or be in ssh.knownHostsFile: known_hosts has {few}: "
        "ssh-keyscan -t ed25519 -p 22 192.168.99.103"
    ]
    write()
    loaded(listed)


def test_missing_file_is_one_problem(listed: Values, refused: Refused, project: Path) -> None:
    assert [problem.split(":")[0] for problem in refused(listed)] == ["ssh.knownHostsFile"]

    def is_error(problem: Problem) -> bool:
        return problem.kind is not None

    assert not any(map(is_error, find_problems(listed, project, ()))), "the file may be on another machine"
