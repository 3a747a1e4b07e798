"""Invalid values of `nodes`, and the message for each."""

from collections.abc import Callable

import pytest

from tests.unit.conftest import ABSENT

WHOLE_NUMBER = "must be a whole number from"
REACHABLE = "not loopback, unspecified, link-local, multicast, broadcast or IPv4-mapped"
HOST_KEY = (
    "must be a host key of type ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, "
    "without the host name before it (e.g. ssh-ed25519 AAAAC3Nz…): see ssh-keyscan -t ed25519 HOST"
)
SKIPPED = "ssh-ed25519 AAAA!C3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN"
"""A key with a character that most readers skip."""
NODE_NAME = (
    "must be the Node object's name: at most 253 lower case letters, digits, '-' and '.', "
    "starting and ending with a letter or digit (e.g. k8s-node01)"
)

CASES: list[tuple[str, object, str]] = [
    (
        "nodes",
        ABSENT,
        "Required value: must list the workers (name, address, hostKey), here or in a YAML file that nodesFile names",
    ),
    ("nodes", {}, "Invalid value: {}: must be a list"),
    ("nodes[1]", "k8s-node02", 'Invalid value: "k8s-node02": must be a mapping'),
    (
        "nodes[1].name",
        ABSENT,
        "Required value: must be the Node object's name (e.g. k8s-node01): see kubectl get nodes",
    ),
    ("nodes[1].name", "k8s_node02", f'Invalid value: "k8s_node02": {NODE_NAME}'),
    ("nodes[1].name", "a" * 254, f'Invalid value: "{"a" * 159}…: {NODE_NAME}'),
    ("nodes[1].name", "K8S-node02", f'Invalid value: "K8S-node02": {NODE_NAME}'),
    ("nodes[1].name", 42, "Invalid value: 42: must be a string: put it in quotes"),
    ("nodes[2].name", "k8s-node01", 'Duplicate value: "k8s-node01"'),
    ("nodes[1].address", ABSENT, "Required value: must be the node's IP address (e.g. 192.168.99.101)"),
    ("nodes[1].address", "node02", 'Invalid value: "node02": must be an IP address (e.g. 192.168.99.101)'),
    (
        "nodes[1].address",
        "fe80::1%eth0",
        'Invalid value: "fe80::1%eth0": must be an IP address (e.g. 192.168.99.101)',
    ),
    *(
        (
            "nodes[1].address",
            address,
            f'Invalid value: "{address}": '
            f"must be an address that other machines can reach (e.g. 192.168.99.101): {REACHABLE}",
        )
        for address in (
            "127.0.0.1",
            "0.0.0.0",
            "::",
            "::1",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "::ffff:10.0.0.1",
        )
    ),
    ("nodes[2].address", "192.168.99.101", 'Duplicate value: "192.168.99.101"'),
    (
        "nodes[1].address",
        "fd00:99::102",
        'Invalid value: "fd00:99::102": must be an IPv4 address, as cluster.clusterCIDR (172.30.0.0/16) is',
    ),
    (
        "nodes[1].hostKey",
        ABSENT,
        "Required value: must be the node's SSH host key, without the host name before it: "
        "ssh-keyscan -t ed25519 -p 22 192.168.99.102",
    ),
    (
        "nodes[1].hostKey",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ",
        'Invalid value: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ": must not be an RSA key: the command plugin offers '
        "only SHA-1 for RSA, which sshd refuses; use another key of the node: ssh-keyscan -t ed25519 HOST",
    ),
    ("nodes[1].hostKey", "", f'Invalid value: "": {HOST_KEY}'),
    ("nodes[1].hostKey", SKIPPED, f'Invalid value: "{SKIPPED}": {HOST_KEY}'),
    ("nodes[1].hostKey", "ssh-ed25519", f'Invalid value: "ssh-ed25519": {HOST_KEY}'),
    ("nodes[1].hostKey", "ssh-ed25519 AAAAC3", f'Invalid value: "ssh-ed25519 AAAAC3": {HOST_KEY}'),
    ("nodes[1].hostKey", "SHA256:RT1XfzGz", f'Invalid value: "SHA256:RT1XfzGz": {HOST_KEY}'),
    (
        "nodes[1].hostKey",
        "node ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN",
        'Invalid value: "node ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN": '
        + HOST_KEY,
    ),
    (
        "nodes[1].ssh.host",
        "no_de",
        'Invalid value: "no_de": must be an IP address or a DNS name (e.g. 192.168.99.101)',
    ),
    ("nodes[1].ssh.host", "a.1", 'Invalid value: "a.1": must be an IP address or a DNS name (e.g. 192.168.99.101)'),
    ("nodes[1].ssh.port", 0, f"Invalid value: 0: {WHOLE_NUMBER} 1 to 65535"),
    ("nodes[1].ssh.port", "ssh", f'Invalid value: "ssh": {WHOLE_NUMBER} 1 to 65535'),
    ("nodes[1].ssh.port", True, f"Invalid value: true: {WHOLE_NUMBER} 1 to 65535"),
    ("nodes[1].ssh.port", 22.5, f"Invalid value: 22.5: {WHOLE_NUMBER} 1 to 65535"),
    ("nodes[1].ssh", {"host": "192.168.99.101"}, 'Duplicate value: "192.168.99.101:22"'),
    ("nodesFile", "nodes.yaml", "Forbidden: must not be set together with nodes: keep one of the two"),
]


@pytest.mark.parametrize(("where", "value", "message"), CASES)
def test_invalid_node_value_is_refused(
    refused_with: Callable[[str, object], list[str]], where: str, value: object, message: str
) -> None:
    assert refused_with(where, value) == [f"{where}: {message}"]
