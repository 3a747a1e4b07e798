"""A node with a history: a kube-proxy that was set up by hand, laid out as by Kubernetes the Hard Way and by kubeasz.

Its unit is in /etc/systemd/system, where it wins over ours; its files are in /var/lib/kube-proxy, with certificates beside the
kubeconfig; its binary is a link.
"""

from development.lab.node import Node
from tests.lab import layouts
from tests.lab.cluster import Cluster
from tests.lab.layouts import Layout

UNIT = "/etc/systemd/system/kube-proxy.service"

_LAYOUT = Layout(
    title="a node with a history",
    unit=UNIT,
    service="""\
ExecStart=/usr/local/bin/kube-proxy --config=/var/lib/kube-proxy/kube-proxy-config.yaml
Restart=on-failure
RestartSec=5""",
    kubeconfig="/var/lib/kube-proxy/kubeconfig",
    files={
        "/var/lib/kube-proxy/kube-proxy-config.yaml": """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 172.30.0.0/16
conntrack: {maxPerCore: 0}
clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig}
hostnameOverride: NAME
"""
    },
    certificates="/var/lib/kube-proxy",
    binary="/opt/kube/bin/kube-proxy",
    links={layouts.BINARY: "/opt/kube/bin/kube-proxy"},
)


def set_up(cluster: Cluster, node: Node) -> None:
    """Sets up a kube-proxy in mode nftables and waits until it serves."""
    layouts.set_up(cluster, node, _LAYOUT)


def is_as_it_was(node: Node) -> bool:
    """Returns whether the kube-proxy of before runs, with its link and its files."""
    shown = node.run(
        "systemctl show -P ActiveState -P UnitFileState -P FragmentPath kube-proxy; readlink /usr/local/bin/kube-proxy; "
        "ls /var/lib/kube-proxy | wc -l; tr '\\0' ' ' </proc/$(systemctl show -P MainPID kube-proxy)/cmdline"
    ).split()
    command = ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/kube-proxy-config.yaml"]
    return sorted(shown) == sorted(["active", "enabled", UNIT, "/opt/kube/bin/kube-proxy", "5", *command])


def remove(node: Node) -> None:
    """Removes it, with its rules."""
    layouts.remove(node, _LAYOUT)
