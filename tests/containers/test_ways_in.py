"""Production's ways in: a user with sudo, with and without a password, one of the nodes as the bastion for the other."""

from collections.abc import Iterator
from typing import Any

import pytest

from development.lab import topology
from development.lab.node import Node
from tests.lab.cluster import Cluster

pytestmark = pytest.mark.xdist_group("containers")

PASSWORD = "Lab's own, 4711"
_USERS = f"""\
set -eu
useradd --create-home --shell /bin/bash deploy
useradd --create-home --shell /usr/sbin/nologin jump
for user in deploy jump; do
    install -d -o $user -m 700 /home/$user/.ssh
    install -o $user -m 600 ~/.ssh/authorized_keys /home/$user/.ssh/authorized_keys
done
echo "deploy:{PASSWORD}" | chpasswd
"""


@pytest.fixture(scope="module")
def fleet(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet, with users who are not root; afterwards it is root's again."""
    result = deployed.up()
    assert result.status == 0, result.output
    text = deployed.configuration_file.read_text()
    for node in deployed.nodes:
        node.run("sh -s", stdin=_USERS.encode())
    deployed.configure(lambda values: values["ssh"].update(user="deploy"))
    yield deployed
    deployed.configuration_file.write_text(text)
    result = deployed.up()
    assert result.status == 0, result.output


def allow(node: Node, rule: str) -> None:
    node.run(f"umask 337; echo 'deploy ALL=(root) {rule}' >/etc/sudoers.d/kube-proxy; visudo -c -q")


def behind_the_other(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reach the first node through the second, at its address in the cluster's network."""
    first, second = nodes
    bastion = {"host": second["ssh"]["host"], "port": second["ssh"]["port"], "user": "jump"}
    login = {"host": first["address"], "port": 22, "bastion": bastion | {"hostKey": second["hostKey"]}}
    return [first | {"ssh": login}, second]


def test_user_without_sudo_is_reported_with_the_line_for_sudoers(fleet: Cluster) -> None:
    before = fleet.processes()
    result = fleet.up()
    assert result.status != 0
    assert (
        "host check: user deploy must be able to run /bin/sh as root through sudo without a password" in result.output
    )
    assert "add the line: deploy ALL=(root) NOPASSWD: /bin/sh" in result.output
    assert fleet.processes() == before


def test_fleet_is_deployed_through_sudo_and_a_bastion(fleet: Cluster) -> None:
    before, (asks, bastion) = fleet.processes(), fleet.nodes
    allow(asks, "/bin/sh")
    allow(bastion, "NOPASSWD: /bin/sh")
    fleet.list_nodes(behind_the_other)
    # It goes to the stack's file encrypted, as a user's does.
    assert fleet.pulumi("config", "set", "--secret", "kube-proxy:sudoPassword", PASSWORD).status == 0
    result = fleet.up()
    assert result.status == 0, result.output
    assert fleet.processes() == before
    assert fleet.pulumi("preview", "--expect-no-changes").status == 0

    address = topology.WORKERS[1].address
    from_bastion = f"grep -c '^Accepted publickey for deploy from {address} '"
    assert asks.run(f"journalctl -u ssh -o cat | {from_bastion}") == "3\n"
    assert bastion.run("journalctl -u ssh -o cat | grep -c '^Accepted publickey for jump '") == "3\n"


def test_wrong_password_counts_once_and_the_right_one_is_nowhere(fleet: Cluster) -> None:
    before, (asks, _) = fleet.processes(), fleet.nodes
    assert fleet.pulumi("config", "set", "--secret", "kube-proxy:sudoPassword", "another").status == 0
    result = fleet.up()
    assert result.status != 0
    assert "set the right one (pulumi config set --secret kube-proxy:sudoPassword)" in result.output
    assert asks.run("journalctl -o cat -t sudo | grep -c 'incorrect password attempt'") == "1\n"
    assert fleet.processes() == before

    assert PASSWORD not in "".join(fleet.printed)
    kept = [path for name in ("state", "log") for path in (fleet.lab.state / name).rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]
    for node in fleet.nodes:
        assert node.run(f'journalctl -o cat | grep -cF "{PASSWORD}" || :') == "0\n"
