"""What a handover (scripts/handover.sh) puts on a node beside the live rules."""

from tests.scripts.fake_node import FakeNode

TABLE = """\
\t\telements = { 10.0.0.1 . tcp . 443 : goto service }
\t\tmeta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 192.168.99.121 . 6443, 1 : 192.168.99.122 . 6443 }
"""
"""From the table of a kube-proxy in mode nftables."""


def copies(node: FakeNode, when: str = "tables") -> list[str]:
    return [line for line in node.path(when).read_text().splitlines() if line.endswith("-handover")]


def left(node: FakeNode) -> list[str]:
    """Returns what a handover has left on the node."""
    found = copies(node) if node.path("tables").exists() else []
    units = node.path("detached").read_text().splitlines() if node.path("detached").exists() else []
    return (
        found
        + units
        + [str(path) for path in node.path("/run").glob("*/kube-proxy-handover")]
        + [str(path) for path in node.path("/run").glob("kube-proxy-handover")]
    )


def live_tables(node: FakeNode) -> list[str]:
    """Returns kube-proxy's own tables."""
    return [line for line in node.path("tables").read_text().splitlines() if line.endswith(" kube-proxy")]
