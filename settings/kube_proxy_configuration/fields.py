"""KubeProxyConfiguration v1alpha1 itself; sections.py has its parts, and says how fields are documented."""

from typing import ClassVar

from pydantic import Field

from settings.kube_proxy_configuration import values
from settings.kube_proxy_configuration.nested_fields import (
    IPVS,
    ClientConnection,
    Conntrack,
    DetectLocal,
    Fields,
    IPTables,
    Logging,
    NFTables,
    Period,
)
from settings.kube_proxy_configuration.values import SECOND
from settings.kube_proxy_configuration.vocabularies import LocalMode, Mode
from settings.names import NodeName


class KubeProxyConfiguration(Fields):
    """The fields that a stack, or one of its nodes, may set in `configuration`."""

    elsewhere: ClassVar = {
        "kind": "is always KubeProxyConfiguration: remove it",
        "apiVersion": "is always kubeproxy.config.k8s.io/v1alpha1: remove it",
        "clusterCIDR": (
            "belongs to cluster.clusterCIDR, where the nodes' addresses are checked against it: move it there"
        ),
        "winkernel": "is for Windows nodes: remove it",
        "windowsRunAsService": "is for Windows nodes: remove it",
        "udpIdleTimeout": "was removed in 1.26: remove it",
    }

    feature_gates: dict[str, values.Bool] = Field(default={})
    """Gates of this version by name, see feature_gates.py. An unknown one stops kube-proxy at its start."""
    client_connection: ClientConnection = ClientConnection()
    logging: Logging = Logging()
    hostname_override: NodeName | None = None
    """The Node object's name; here always the node's name."""
    bind_address: values.BindAddress | None = None
    """The node's primary address as kube-proxy takes it, nothing is bound; default here: the node's address."""
    healthz_bind_address: values.BindListener | None = None
    """Where /healthz and /livez listen; default here: the node's address, port 10256."""
    metrics_bind_address: values.BindListener | None = None
    """Where /metrics and /proxyMode listen; default here: the node's address, port 10249."""
    bind_address_hard_fail: values.Bool = False
    """An address that can't be bound ends kube-proxy."""
    enable_profiling: values.Bool = False
    """/debug/pprof beside /metrics."""
    show_hidden_metrics_for_version: str | None = None
    """The previous minor version, and no other: its deprecated metrics are shown."""
    mode: Mode = Mode.IPVS
    """Upstream's default is iptables; here it is the guide's."""
    iptables: IPTables = IPTables()
    ipvs: IPVS = IPVS()
    nftables: NFTables = NFTables()
    detect_local_mode: LocalMode = LocalMode.CLUSTER_CIDR
    detect_local: DetectLocal = DetectLocal()
    node_port_addresses: tuple[values.NodePortAddress, ...] = ()
    """Where NodePorts answer: CIDR blocks; `primary` (the Node's own addresses), alone until 1.36; from 1.37 also
    `localhost` and `all`, in any mixture. Default: all, in mode nftables primary."""
    oom_score_adj: values.OOMScore = -999
    """How late the kernel kills kube-proxy when memory runs out; -1000 is never."""
    conntrack: Conntrack = Conntrack()
    config_sync_period: Period = 900 * SECOND
    """How often what the API server says is read anew."""
    port_range: str = ""
    """Was for the mode userspace, removed in 1.26: read and unused."""
