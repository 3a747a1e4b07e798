"""The fields of KubeProxyConfiguration v1alpha1. nested_fields.py has its sections, and the sources of both."""

from typing import ClassVar

from pydantic import Field

from settings.kube_proxy_configuration import values
from settings.kube_proxy_configuration.enums import LocalMode, Mode
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
from settings.names import NodeName


class KubeProxyConfiguration(Fields):
    """The fields that a stack, or one of its nodes, may set in `configuration`."""

    elsewhere: ClassVar = {
        "kind": "is always KubeProxyConfiguration: remove it",
        "apiVersion": "is always kubeproxy.config.k8s.io/v1alpha1: remove it",
        "clusterCIDR": ("belongs in cluster.clusterCIDR, which is checked against the nodes' addresses: move it there"),
        "winkernel": "is for Windows nodes: remove it",
        "windowsRunAsService": "is for Windows nodes: remove it",
        "udpIdleTimeout": "was removed in 1.26: remove it",
    }

    feature_gates: dict[str, values.Bool] = Field(default={})
    """Gates of this version by name, see feature_gates.py. kube-proxy doesn't start with an unknown one."""
    client_connection: ClientConnection = ClientConnection()
    logging: Logging = Logging()
    hostname_override: NodeName | None = None
    """The Node object's name. This program always sets the node's name."""
    bind_address: values.BindAddress | None = None
    """The node's primary address; kube-proxy binds nothing to it. This program's default is the node's address."""
    healthz_bind_address: values.BindListener | None = None
    """Where /healthz and /livez listen. This program's default is port 10256 of the node's address."""
    metrics_bind_address: values.BindListener | None = None
    """Where /metrics and /proxyMode listen. This program's default is port 10249 of the node's address."""
    bind_address_hard_fail: values.Bool = False
    """Exit if an address can't be bound."""
    enable_profiling: values.Bool = False
    """Serve /debug/pprof on the metrics address."""
    show_hidden_metrics_for_version: str | None = None
    """The previous minor version, whose hidden metrics are shown. Other versions are not allowed."""
    mode: Mode = Mode.IPVS
    """Upstream's default is iptables; this program uses the guide's."""
    iptables: IPTables = IPTables()
    ipvs: IPVS = IPVS()
    nftables: NFTables = NFTables()
    detect_local_mode: LocalMode = LocalMode.CLUSTER_CIDR
    detect_local: DetectLocal = DetectLocal()
    node_port_addresses: tuple[values.NodePortAddress, ...] = ()
    """Where NodePorts answer: CIDR blocks, or only `primary` (the Node's own addresses); from 1.37 on any mixture of
    these, `localhost` and `all`. Default: all, in mode nftables primary."""
    oom_score_adj: values.OOMScore = -999
    """How likely the kernel kills kube-proxy when memory runs out; -1000 is never."""
    conntrack: Conntrack = Conntrack()
    config_sync_period: Period = 900 * SECOND
    """How often everything is read again from the API server."""
    port_range: str = ""
    """Unused since 1.26, which removed the mode userspace."""
