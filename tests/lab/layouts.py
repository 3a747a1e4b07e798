"""Ways in which a node got its kube-proxy: file names, modes, units and flags as those guides and projects leave them."""

import base64
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from development.lab import topology
from development.lab.node import Node
from tests.lab import probe
from tests.lab.cluster import Cluster

SERVER = f"https://{topology.LOAD_BALANCER}:{topology.LOAD_BALANCER_PORT}"
BINARY = "/usr/local/bin/kube-proxy"

_UNIT = """\
[Unit]
Description=Kubernetes Kube-Proxy
After=network.target

[Service]
{service}

[Install]
WantedBy=multi-user.target
"""
_START = """\
modprobe -a nf_conntrack ip_vs ip_vs_rr
systemctl daemon-reload
systemctl enable --quiet --now kube-proxy
"""
# Everything in the directories where a layout or this program has files, and how the service runs.
_STATE = """\
find /etc/kubernetes /etc/systemd/system /etc/systemd/network /etc/modules-load.d /opt /usr/bin/kube-proxy /usr/local/bin \
    /usr/lib/systemd/system/kube-proxy* /var/lib/kube-proxy \\( -type f -printf '%p %m %u:%g %t\\n' -exec sha256sum {} \\; \\) \
    -o -printf '%p %m %u:%g %l\\n' 2>/dev/null | sort
systemctl show -p ActiveState,UnitFileState,FragmentPath,DropInPaths kube-proxy
tr '\\0' ' ' </proc/$(systemctl show -P MainPID kube-proxy)/cmdline
"""


@dataclass(frozen=True)
class Layout:
    """What a guide or project leaves on a node. In its texts, NAME, ADDRESS and SERVER are the node's and the API's."""

    title: str
    unit: str
    """The unit's path."""
    service: str
    """The unit's section [Service]."""
    kubeconfig: str
    """The kubeconfig's path."""
    files: Mapping[str, str]
    """The other files, by path."""
    kubeconfig_mode: int = 0o644
    certificates: str = ""
    """The directory of the certificates and the key; "" if they are in the kubeconfig."""
    binary: str = BINARY
    links: Mapping[str, str] = field(default_factory=dict)
    """Targets of symbolic links, by path."""
    directories: tuple[str, ...] = ()


GUIDE_CONFIGURATION = """\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
clientConnection:
  kubeconfig: "/etc/kubernetes/kube-proxy.kubeconfig"
bindAddress: ADDRESS
clusterCIDR: 172.30.0.0/16
healthzBindAddress: ADDRESS:10256
hostnameOverride: NAME
metricsBindAddress: ADDRESS:10249
mode: "ipvs"
"""
GUIDE = Layout(
    title="the guide",
    unit="/usr/lib/systemd/system/kube-proxy.service",
    service="""\
WorkingDirectory=/opt/k8s/kube-proxy
EnvironmentFile=/etc/kubernetes/kube-proxy.conf
ExecStart=/usr/local/bin/kube-proxy $KUBE_PROXY_ARGS
Restart=on-failure
RestartSec=5
LimitNOFILE=65536""",
    kubeconfig="/etc/kubernetes/kube-proxy.kubeconfig",
    files={
        "/etc/kubernetes/kube-proxy-config.yaml": GUIDE_CONFIGURATION,
        "/etc/kubernetes/kube-proxy.conf": 'KUBE_PROXY_ARGS=" \\\n  --config=/etc/kubernetes/kube-proxy-config.yaml \\\n  --v=2"\n',
    },
    directories=("/opt/k8s/kube-proxy",),
)
KUBEASZ = Layout(
    title="kubeasz",
    unit="/etc/systemd/system/kube-proxy.service",
    service="""\
WorkingDirectory=/var/lib/kube-proxy
ExecStart=/opt/kube/bin/kube-proxy \\
  --config=/var/lib/kube-proxy/kube-proxy-config.yaml
Restart=always
RestartSec=5
LimitNOFILE=65536""",
    kubeconfig="/etc/kubernetes/kube-proxy.kubeconfig",
    files={
        "/var/lib/kube-proxy/kube-proxy-config.yaml": """\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
clientConnection:
  kubeconfig: "/etc/kubernetes/kube-proxy.kubeconfig"
clusterCIDR: "172.30.0.0/16"
conntrack:
  maxPerCore: 32768
  min: 131072
  tcpCloseWaitTimeout: 1h0m0s
  tcpEstablishedTimeout: 24h0m0s
healthzBindAddress: 0.0.0.0:10256
hostnameOverride: "NAME"
metricsBindAddress: 0.0.0.0:10249
mode: "ipvs"
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: False
  syncPeriod: 30s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
""",
    },
    binary="/opt/kube/bin/kube-proxy",
)
HARD_WAY = Layout(
    title="Kubernetes the Hard Way",
    unit="/etc/systemd/system/kube-proxy.service",
    service="""\
ExecStart=/usr/local/bin/kube-proxy \\
  --config=/var/lib/kube-proxy/kube-proxy-config.yaml
Restart=on-failure
RestartSec=5""",
    kubeconfig="/var/lib/kube-proxy/kubeconfig",
    kubeconfig_mode=0o600,
    files={
        "/var/lib/kube-proxy/kube-proxy-config.yaml": """\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
clientConnection:
  kubeconfig: "/var/lib/kube-proxy/kubeconfig"
mode: "iptables"
clusterCIDR: "172.30.0.0/16"
"""
    },
)
FLAGS = Layout(
    title="an older role: flags in environment files",
    unit="/usr/lib/systemd/system/kube-proxy.service",
    service="""\
EnvironmentFile=-/etc/kubernetes/config
EnvironmentFile=-/etc/kubernetes/proxy
ExecStart=/usr/bin/kube-proxy \\
    $KUBE_LOG_LEVEL \\
    $KUBE_MASTER \\
    $KUBE_PROXY_ARGS
Restart=on-failure
LimitNOFILE=65536""",
    kubeconfig="/etc/kubernetes/proxy.kubeconfig",
    kubeconfig_mode=0o640,
    files={
        "/etc/kubernetes/config": 'KUBE_LOG_LEVEL="--v=0"\nKUBE_MASTER="--master=SERVER"\n',
        "/etc/kubernetes/proxy": (
            'KUBE_PROXY_ARGS="--bind-address=ADDRESS --hostname-override=NAME --cluster-cidr=172.30.0.0/16 '
            '--kubeconfig=/etc/kubernetes/proxy.kubeconfig --proxy-mode=ipvs --ipvs-scheduler=lc"\n'
        ),
    },
    certificates="/etc/kubernetes/ssl",
    binary="/usr/bin/kube-proxy",
)
VERSIONED = Layout(
    title="a versioned directory, and an edited unit",
    unit="/etc/systemd/system/kube-proxy.service",
    service="""\
EnvironmentFile=-/opt/kubernetes/cfg/kube-proxy.conf
ExecStart=/usr/local/bin/kube-proxy $KUBE_PROXY_OPTS
Restart=on-failure""",
    kubeconfig="/opt/kubernetes/cfg/kube-proxy.kubeconfig",
    files={
        "/opt/kubernetes/cfg/kube-proxy.conf": 'KUBE_PROXY_OPTS="--v=2 --config=/opt/kubernetes/cfg/kube-proxy-config.yml"\n',
        "/opt/kubernetes/cfg/kube-proxy-config.yml": """\
kind: KubeProxyConfiguration
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
metricsBindAddress: 0.0.0.0:10249
clientConnection:
  kubeconfig: /opt/kubernetes/cfg/kube-proxy.kubeconfig
hostnameOverride: NAME
clusterCIDR: 172.30.0.0/16
mode: nftables
""",
        "/usr/lib/systemd/system/kube-proxy.service": _UNIT.format(service="ExecStart=/usr/local/bin/kube-proxy"),
        "/etc/systemd/system/kube-proxy.service.d/override.conf": "[Service]\nLimitNOFILE=65536\nRestartSec=3\n",
    },
    certificates="/opt/kubernetes/ssl",
    binary="/opt/kubernetes/v1.36.2/bin/kube-proxy",
    links={
        "/opt/kubernetes/bin": "v1.36.2/bin",
        BINARY: "/opt/kubernetes/bin/kube-proxy",
    },
)
LINKED = Layout(
    title="a unit that is linked, and started by another target",
    unit="/opt/kubernetes/kube-proxy.service",
    service="""\
ExecStart=/usr/local/bin/kube-proxy --config=/etc/kubernetes/kube-proxy-config.yaml --v=2
Restart=always
StartLimitInterval=0""",
    kubeconfig="/etc/kubernetes/kube-proxy.kubeconfig",
    kubeconfig_mode=0o640,
    files={"/etc/kubernetes/kube-proxy-config.yaml": GUIDE_CONFIGURATION},
    links={
        "/etc/systemd/system/kube-proxy.service": "/opt/kubernetes/kube-proxy.service",
        "/etc/systemd/system/basic.target.wants/kube-proxy.service": "/opt/kubernetes/kube-proxy.service",
    },
)
LAYOUTS = (GUIDE, KUBEASZ, HARD_WAY, FLAGS, VERSIONED, LINKED)


def set_up(cluster: Cluster, node: Node, layout: Layout) -> None:
    """Sets up a kube-proxy on a node that has none, and waits until it serves."""
    given = {"NAME": node.name, "ADDRESS": str(node.worker.address), "SERVER": SERVER}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in layout.directories:
            _add(tar, path, 0o755, kind=tarfile.DIRTYPE)
        for path, text in (*layout.files.items(), (layout.unit, _UNIT.format(service=layout.service))):
            for word, value in given.items():
                text = text.replace(word, value)
            _add(tar, path, 0o644, text.encode())
        for path, content, mode in credentials(cluster, layout):
            _add(tar, path, mode, content)
        for path, target in layout.links.items():
            _add(tar, path, 0o777, kind=tarfile.SYMTYPE, target=target)
        _add(tar, layout.binary, 0o755, (cluster.lab.bin / "kube-proxy").read_bytes())
    node.run("tar -x -C / --no-overwrite-dir -f -", stdin=archive.getvalue(), seconds=300)
    node.run(_START)
    await_service(node)


def await_service(node: Node) -> None:
    """Waits until a node's kube-proxy answers for the Service kubernetes."""
    node.run(f"until curl -s -o /dev/null --max-time 2 {probe.SERVICE}; do sleep 0.5; done", seconds=300)


def state(node: Node) -> str:
    """Returns what a take-over may change on a node: each file with mode, owner, time and content, and how the service runs."""
    return node.run(_STATE)


def remove(node: Node, layout: Layout) -> None:
    """Removes a kube-proxy that `set_up` has set up, with its rules.

    A request that failed while there were no rules has left a connection without translation in conntrack, for two minutes. Another one
    from the same port would fail, too.
    """
    node.run(f"systemctl disable --quiet --now kube-proxy; {layout.binary} --cleanup 2>/dev/null; :")
    paths = [
        "/etc/kubernetes",
        "/opt/*",
        "/var/lib/kube-proxy",
        BINARY,
        layout.binary,
        layout.unit,
        *layout.files,
        *layout.links,
    ]
    node.run(f"rm -rf {' '.join(paths)}; rmdir /etc/systemd/system/kube-proxy.service.d; systemctl daemon-reload")
    node.run("conntrack --flush 2>/dev/null")


def _add(tar: tarfile.TarFile, path: str, mode: int, content: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> None:  # fmt: skip
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mode, entry.size, entry.type, entry.linkname = mode, len(content), kind, target
    tar.addfile(entry, io.BytesIO(content))


def credentials(cluster: Cluster, layout: Layout) -> list[tuple[str, bytes, int]]:
    """Returns the kubeconfig, and its certificate files if it has any: path, content and mode."""
    authority = (cluster.lab.cert / "ca.pem").read_bytes()
    certificate, key = _issue(cluster)
    if layout.certificates:
        names = [f"{layout.certificates}/{name}" for name in ("ca.pem", "kube-proxy.pem", "kube-proxy-key.pem")]
        files = list(zip(names, (authority, certificate, key), (0o644, 0o644, 0o600), strict=True))
        given, ending = names, ""
    else:
        files = []
        given, ending = [base64.b64encode(pem).decode() for pem in (authority, certificate, key)], "-data"
    entry = {"server": SERVER, f"certificate-authority{ending}": given[0]}
    user = {f"client-certificate{ending}": given[1], f"client-key{ending}": given[2]}
    kubeconfig = {
        "apiVersion": "v1",
        "clusters": [{"cluster": entry, "name": "kubernetes"}],
        "contexts": [{"context": {"cluster": "kubernetes", "user": "kube-proxy"}, "name": "default"}],
        "current-context": "default",
        "kind": "Config",
        "preferences": {},
        "users": [{"name": "kube-proxy", "user": user}],
    }
    return [*files, (layout.kubeconfig, yaml.safe_dump(kubeconfig).encode(), layout.kubeconfig_mode)]


def _issue(cluster: Cluster) -> tuple[bytes, bytes]:
    """Returns a client certificate of the lab's CA and its key, in PEM."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ca, ca_key = cluster.lab.cert / "ca.pem", cluster.lab.cert / "ca-key.pem"
        command = "openssl req -newkey rsa:2048 -nodes -subj /CN=system:kube-proxy -days 30 -x509"
        certificate, key = directory / "kube-proxy.pem", directory / "kube-proxy-key.pem"
        subprocess.run(
            [*command.split(), "-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", certificate],
            capture_output=True,
            check=True,
        )
        return certificate.read_bytes(), key.read_bytes()
