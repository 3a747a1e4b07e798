"""The search for secrets: in the state, logs, output, processes, and files that every user can read."""

import base64
from collections.abc import Sequence
from pathlib import Path

import yaml

from development.lab.node import Node
from tests.lab.cluster import Cluster


def assert_nowhere(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Searches this machine and these nodes of the stack for all keys. Raises AssertionError with the place."""
    lab = cluster.lab
    user = yaml.safe_load(nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))["users"][0]["user"]
    secrets = {
        **{f"the key {path.name}": path.read_text() for path in lab.cert.glob("*ca-key.pem")},
        "the client's key": base64.b64decode(user["client-key-data"]).decode(),
        "the SSH key": (lab.ssh / "id_ed25519").read_text(),
    }
    # A line from the middle of each PEM file, in plain and in base64 (as in a kubeconfig).
    needles = {
        what: [
            pem.splitlines()[2],
            *(base64.b64encode(pem.encode()[skip:])[8:48].decode() for skip in range(60, 63)),
        ]
        for what, pem in secrets.items()
    }
    places = {
        "the state": [path.read_text() for path in lab.backend.rglob("*.json*")],
        "logs": [path.read_text(errors="replace") for path in lab.log.iterdir()],
        "the output of Pulumi": cluster.printed,
        "arguments of processes on this machine": [
            path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)
        ],
        "the nodes' journals and processes' arguments": [
            node.run("journalctl -o cat; cat /proc/[0-9]*/cmdline | tr '\\0' ' '") for node in nodes
        ],
        "files on nodes that every user can read": [
            node.run("find /etc /var /opt /run /tmp /usr/local /usr/lib/systemd -xdev -type f -perm -o+r -size -1024k -newer /etc/machine-id -exec cat {} + | tr -cd '[:print:]\\n'")
            for node in nodes
        ],
    }  # fmt: skip
    assert len(places["the state"]) >= 2
    for place, texts in places.items():
        for what, parts in needles.items():
            for needle in parts:
                assert not any(needle in text for text in texts), f"{what} is in {place}"


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
