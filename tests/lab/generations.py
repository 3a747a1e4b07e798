"""What a node's kube-proxy is made of: the live files, compared with the generations that the node keeps."""

from development.lab.node import Node

# scripts/common.sh, live_files: a generation's file names and their places.
_LIVE = """\
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


def live(node: Node) -> str:
    """Returns the generation whose files are the live ones, all of them. Raises AssertionError where there is none."""
    digests = node.run(_LIVE).split()
    assert len(digests) == 1, f"{node.name}: the live files must be of one generation, entire, they are of {digests}"
    return digests[0]


def last_served(node: Node) -> str:
    """Returns the generation that was proven last."""
    return node.run("cat /var/lib/kube-proxy-generations/live").strip()


def is_activating(node: Node) -> bool:
    """Whether the last activation was cut off before its end (scripts/rollback.sh)."""
    return node.run("ls /var/lib/kube-proxy-generations").split().count("activating") == 1


def await_quiet(node: Node) -> None:
    """Waits until no deployment works on the node: one that nobody listens to any more goes on to its end."""
    node.run("flock -w 500 /run/lock/kube-proxy-generations.lock true", seconds=600)


def assert_serves(node: Node, seconds: float = 300) -> str:
    """Waits until kube-proxy serves, without any help, and returns its generation."""
    health = f"http://{node.worker.address}:10256/livez"
    node.run(f"until curl -sf --max-time 5 {health}; do sleep 0.5; done", seconds=seconds)
    asked = node.run("systemctl show -P ActiveState -P UnitFileState -P NeedDaemonReload kube-proxy").split()
    assert sorted(asked) == ["active", "enabled", "no"], f"{node.name}: {asked}"
    return live(node)


def starts(node: Node) -> int:
    """How often kube-proxy was started since the boot."""
    return int(node.run("journalctl -b -u kube-proxy -o cat | grep -c '^Started kube-proxy'; :"))
