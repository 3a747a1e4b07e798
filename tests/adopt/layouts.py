"""Nodes as the guide, kubeasz, Kubernetes the Hard Way, an Ansible role and older guides leave them.

Names, places and fields are those of their templates; a layout's `configuration` is what kube-proxy makes of it
(tests/kube_proxy/test_layouts.py).
"""

import copy
from dataclasses import dataclass, field
from typing import Any

import yaml

ADDRESS = "192.168.99.101"
NAME = "k8s-node01"
SERVER = "https://192.168.99.100:8443"

DEFAULTS: dict[str, Any] = yaml.safe_load("""
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: '', burst: 10, contentType: application/vnd.kubernetes.protobuf, kubeconfig: '', qps: 5}
clusterCIDR: ''
configSyncPeriod: 15m0s
conntrack: {maxPerCore: 32768, min: 131072, tcpBeLiberal: false, tcpCloseWaitTimeout: 1h0m0s,
  tcpEstablishedTimeout: 24h0m0s, udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: '', interfaceNamePrefix: ''}
detectLocalMode: ClusterCIDR
enableProfiling: false
healthzBindAddress: 0.0.0.0:10256
hostnameOverride: ''
iptables: {localhostNodePorts: true, masqueradeAll: false, masqueradeBit: 14, minSyncPeriod: 0s, syncPeriod: 0s}
ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: '', strictARP: false, syncPeriod: 0s, tcpFinTimeout: 0s,
  tcpTimeout: 0s, udpTimeout: 0s}
kind: KubeProxyConfiguration
logging: {flushFrequency: 5s, format: text, options: {json: {infoBufferSize: '0'}, text: {infoBufferSize: '0'}}, verbosity: 0}
metricsBindAddress: 127.0.0.1:10249
mode: iptables
nftables: {masqueradeAll: false, masqueradeBit: 14, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: -999
portRange: ''
showHiddenMetricsForVersion: ''
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: '', rootHnsEndpointName: '', sourceVip: ''}
""")


def complete(changed: str) -> dict[str, Any]:
    """Return kube-proxy's configuration with all defaults: DEFAULTS with these fields (`iptables.syncPeriod: 30s`)."""
    values = copy.deepcopy(DEFAULTS)
    for line in changed.split("\n"):
        path, _, text = line.partition(": ")
        if path:
            *way, last = path.split(".")
            place = values
            for step in way:
                place = place[step]
            place[last] = yaml.safe_load(text)
    return values


@dataclass(frozen=True)
class Layout:
    """A node. `configuration` is complete; paths are the node's."""

    name: str
    unit: str
    binary: str
    arguments: str
    kubeconfig: str
    file: str
    """The content of the configuration file; "" for flags only."""
    changed: str
    expected: dict[str, Any]
    """`configuration` of the stack that is written for it."""
    directory: str = ""
    server: str = SERVER
    authority: str = ""
    """The file of the CA; "" if it is in the kubeconfig."""
    to_do: tuple[str, ...] = ()
    metrics: str = "127.0.0.1:10249"
    service: dict[str, Any] = field(default_factory=dict)
    """`service` of the stack."""

    @property
    def configuration(self) -> dict[str, Any]:
        return complete(self.changed)


GUIDE = Layout(
    name="the guide",
    unit="/usr/lib/systemd/system/kube-proxy.service",
    binary="/usr/local/bin/kube-proxy",
    arguments="--config=/etc/kubernetes/kube-proxy-config.yaml --v=2",
    directory="/opt/k8s/kube-proxy",
    kubeconfig="/etc/kubernetes/kube-proxy.kubeconfig",
    file="""\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
clientConnection:
  kubeconfig: "/etc/kubernetes/kube-proxy.kubeconfig"
bindAddress: 192.168.99.101
clusterCIDR: 172.30.0.0/16
healthzBindAddress: 192.168.99.101:10256
hostnameOverride: k8s-node01
metricsBindAddress: 192.168.99.101:10249
mode: "ipvs"
""",
    changed="""\
clientConnection.kubeconfig: /etc/kubernetes/kube-proxy.kubeconfig
bindAddress: 192.168.99.101
clusterCIDR: 172.30.0.0/16
healthzBindAddress: 192.168.99.101:10256
hostnameOverride: k8s-node01
ipvs.syncPeriod: 30s
logging.verbosity: 2
metricsBindAddress: 192.168.99.101:10249
mode: ipvs
""",
    expected={"mode": "ipvs"},
    metrics="192.168.99.101:10249",
)
KUBEASZ = Layout(
    name="kubeasz",
    unit="/etc/systemd/system/kube-proxy.service",
    binary="/opt/kube/bin/kube-proxy",
    arguments="--config=/var/lib/kube-proxy/kube-proxy-config.yaml",
    directory="/var/lib/kube-proxy",
    kubeconfig="/etc/kubernetes/kube-proxy.kubeconfig",
    server="https://127.0.0.1:6443",
    file="""\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
clientConnection:
  kubeconfig: "/etc/kubernetes/kube-proxy.kubeconfig"
clusterCIDR: "172.20.0.0/16"
conntrack:
  maxPerCore: 32768
  min: 131072
  tcpCloseWaitTimeout: 1h0m0s
  tcpEstablishedTimeout: 24h0m0s
healthzBindAddress: 0.0.0.0:10256
hostnameOverride: "k8s-node01"
metricsBindAddress: 0.0.0.0:10249
mode: "ipvs"
""",
    changed="""\
clientConnection.kubeconfig: /etc/kubernetes/kube-proxy.kubeconfig
clusterCIDR: 172.20.0.0/16
hostnameOverride: k8s-node01
ipvs.syncPeriod: 30s
metricsBindAddress: 0.0.0.0:10249
mode: ipvs
""",
    expected={
        "bindAddress": "0.0.0.0",
        "healthzBindAddress": "0.0.0.0:10256",
        "metricsBindAddress": "0.0.0.0:10249",
        "mode": "ipvs",
    },
    metrics="*:10249",
    service={
        "k8sDir": "/var/lib",
        "unitDirectory": "/etc/systemd/system",
        "binaryDirectory": "/opt/kube/bin",
        "verbosity": 0,
    },
)
HARD_WAY = Layout(
    name="Kubernetes the Hard Way",
    unit="/etc/systemd/system/kube-proxy.service",
    binary="/usr/local/bin/kube-proxy",
    arguments="--config=/var/lib/kube-proxy/kube-proxy-config.yaml",
    kubeconfig="/var/lib/kube-proxy/kubeconfig",
    file="""\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
clientConnection:
  kubeconfig: "/var/lib/kube-proxy/kubeconfig"
mode: "iptables"
clusterCIDR: "10.200.0.0/16"
""",
    changed="""\
clientConnection.kubeconfig: /var/lib/kube-proxy/kubeconfig
clusterCIDR: 10.200.0.0/16
iptables.minSyncPeriod: 1s
iptables.syncPeriod: 30s
""",
    expected={
        "bindAddress": "0.0.0.0",
        "healthzBindAddress": "0.0.0.0:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "iptables",
    },
    service={"unitDirectory": "/etc/systemd/system", "verbosity": 0},
)
ROLE = Layout(
    name="an Ansible role",
    unit="/etc/systemd/system/kube-proxy.service",
    binary="/usr/local/bin/kube-proxy",
    arguments="--config=/var/lib/kube-proxy/kubeproxy-config.yaml",
    kubeconfig="/var/lib/kube-proxy/kubeconfig",
    file="""\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 192.168.99.101
clientConnection:
  kubeconfig: "/var/lib/kube-proxy/kubeconfig"
healthzBindAddress: 192.168.99.101:10256
mode: "ipvs"
ipvs:
  minSyncPeriod: 0s
  scheduler: ""
  syncPeriod: 2s
iptables:
  masqueradeAll: true
clusterCIDR: "10.200.0.0/16"
""",
    changed="""\
clientConnection.kubeconfig: /var/lib/kube-proxy/kubeconfig
bindAddress: 192.168.99.101
clusterCIDR: 10.200.0.0/16
healthzBindAddress: 192.168.99.101:10256
iptables.masqueradeAll: true
ipvs.syncPeriod: 2s
mode: ipvs
""",
    expected={
        "iptables": {"masqueradeAll": True},
        "ipvs": {"syncPeriod": "2s"},
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "ipvs",
    },
    service={"unitDirectory": "/etc/systemd/system", "verbosity": 0},
)
FLAGS = Layout(
    name="flags only",
    unit="/etc/systemd/system/kubernetes-proxy.service",
    binary="/usr/local/bin/kube-proxy",
    arguments=(
        "--bind-address=192.168.99.101 --cluster-cidr=10.200.0.0/16 --hostname-override K8s-Node01 "
        "--kubeconfig=/var/lib/kubernetes/kube-proxy.kubeconfig --proxy-mode=ipvs --ipvs-exclude-cidrs=10.9.0.0/24 "
        "--ipvs-min-sync-period=5s --iptables-sync-period=9s --masquerade-all --conntrack-max-per-core=0 -v 4"
    ),
    kubeconfig="/var/lib/kubernetes/kube-proxy.kubeconfig",
    authority="/var/lib/kubernetes/ca.pem",
    file="",
    changed="""\
clientConnection.kubeconfig: /var/lib/kubernetes/kube-proxy.kubeconfig
bindAddress: 192.168.99.101
clusterCIDR: 10.200.0.0/16
conntrack.maxPerCore: 0
hostnameOverride: k8s-node01
iptables.masqueradeAll: true
ipvs.excludeCIDRs: [10.9.0.0/24]
ipvs.minSyncPeriod: 5s
ipvs.syncPeriod: 30s
logging.verbosity: 4
mode: ipvs
""",
    expected={
        "conntrack": {"maxPerCore": 0},
        "healthzBindAddress": "0.0.0.0:10256",
        "iptables": {"masqueradeAll": True},
        "ipvs": {"excludeCIDRs": ["10.9.0.0/24"], "minSyncPeriod": "5s"},
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "ipvs",
    },
    to_do=("its unit is kubernetes-proxy.service, this program's is kube-proxy.service: docs/take-over.md",),
    service={"verbosity": 4},
)
LAYOUTS = (GUIDE, KUBEASZ, HARD_WAY, ROLE, FLAGS)
