"""The generations that a node keeps, and which of them its live files belong to (scripts/common.sh, live_files)."""

from collections.abc import Sequence

from development.lab.node import Node
from tests.lab.cluster import Cluster

_OF_LIVE_FILES = """\
cd /var/lib/kube-proxy-generations
for generation in $(ls | grep -x '[0-9a-f]\\{64\\}'); do
    while read -r name place; do
        cmp -s "$generation/$name" "$place" || continue 2
    done <<END
modules /etc/modules-load.d/kube-proxy.conf
kube-ipvs0.network /etc/systemd/network/00-kube-ipvs0.network
kube-proxy.kubeconfig /etc/kubernetes/kube-proxy.kubeconfig
kube-proxy-config.yaml /etc/kubernetes/kube-proxy-config.yaml
kube-proxy.conf /etc/kubernetes/kube-proxy.conf
kube-proxy /usr/local/bin/kube-proxy
kube-proxy.service /usr/lib/systemd/system/kube-proxy.service
END
    echo "$generation"
done
"""


def of_live_files(node: Node) -> set[str]:
    """Returns each generation whose files all equal the live files.

    After an upgrade these can be two: the same files, named by the version before and by this one.
    Raises AssertionError if there is none: the live files are then a mixture of generations.
    """
    found = set(node.run(_OF_LIVE_FILES).split())
    assert found, f"{node.name}: the live files must be those of one generation"
    return found


def last_proven(node: Node) -> str:
    """Returns the last generation that an activation proved to serve."""
    return node.run("cat /var/lib/kube-proxy-generations/live").strip()


def is_activating(node: Node) -> bool:
    """Returns whether the last activation was interrupted (scripts/rollback.sh)."""
    return node.run("ls /var/lib/kube-proxy-generations").split().count("activating") == 1


def await_unlocked(node: Node) -> None:
    """Waits until no deployment runs on the node. A stage goes on to its end even if its connection is gone."""
    node.run("flock -w 500 /run/kube-proxy-generations.lock true", seconds=600)


def assert_serves(node: Node, seconds: float = 300) -> set[str]:
    """Waits until kube-proxy is healthy without any help, and returns the generations of the live files."""
    health = f"http://{node.worker.address}:10256/livez"
    node.run(f"until curl -sf --max-time 5 {health}; do sleep 0.5; done", seconds=seconds)
    shown = node.run("systemctl show -P ActiveState -P UnitFileState -P NeedDaemonReload kube-proxy").split()
    assert sorted(shown) == ["active", "enabled", "no"], f"{node.name}: {shown}"
    return of_live_files(node)


def assert_up_converges(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """After one ``pulumi up`` each of these nodes serves, and its live files are those of the generation that it reports."""
    result = cluster.up()
    assert result.status == 0, result.output
    reports = cluster.outputs()["nodes"]
    for node in nodes:
        assert reports[node.name]["generation"] in assert_serves(node)


def starts(node: Node) -> int:
    """Returns how often kube-proxy was started since the node's boot. An older systemd logs the unit's description."""
    return int(node.run("journalctl -b -u kube-proxy -o cat | grep -cE '^Started (kube-proxy|Kubernetes)'; :"))


def files(node: Node) -> list[str]:
    """Returns the paths on a node that a deployment makes; none where none was deployed, or all was removed."""
    paths = (
        "/etc/kubernetes /var/lib/kube-proxy* /usr/local/bin/kube-proxy /opt/k8s /etc/modules-load.d/kube-proxy.conf "
        "/etc/systemd/network/*ipvs* /usr/lib/systemd/system/kube-proxy.service"
    )
    return node.run(f"ls -d {paths} 2>/dev/null; :").split()
