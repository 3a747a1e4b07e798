"""The values that some fields of KubeProxyConfiguration are limited to."""

from enum import StrEnum


class Mode(StrEnum):
    """How kube-proxy programs the kernel."""

    IPVS = "ipvs"  # deprecated since 1.35; needs ip_vs, ipset and iptables
    IPTABLES = "iptables"
    NFTABLES = "nftables"  # needs Linux 5.13 and nft 1.0.1 or newer


class LocalMode(StrEnum):
    """How kube-proxy recognizes traffic of the node's own pods, which it doesn't masquerade."""

    CLUSTER_CIDR = "ClusterCIDR"  # its source is in cluster.clusterCIDR
    NODE_CIDR = "NodeCIDR"  # its source is in the Node object's podCIDR
    BRIDGE_INTERFACE = "BridgeInterface"
    INTERFACE_NAME_PREFIX = "InterfaceNamePrefix"


class Scheduler(StrEnum):
    """The schedulers of Linux' IPVS (net/netfilter/ipvs/Kconfig); each is a kernel module `ip_vs_<name>`."""

    RR = "rr"
    WRR = "wrr"
    LC = "lc"
    WLC = "wlc"
    FO = "fo"
    OVF = "ovf"
    LBLC = "lblc"
    LBLCR = "lblcr"
    DH = "dh"
    SH = "sh"
    MH = "mh"
    SED = "sed"
    NQ = "nq"
    TWOS = "twos"


class LogFormat(StrEnum):
    """The format of log lines."""

    TEXT = "text"
    JSON = "json"
