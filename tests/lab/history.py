"""A node with a history: a kube-proxy that was set up by hand, laid out as by Kubernetes the Hard Way and by kubeasz.

Its unit is in /etc/systemd/system, where it wins over ours; its files are in /var/lib/kube-proxy, with certificates beside the
kubeconfig; its binary is a link.
"""

import subprocess
import tempfile
from pathlib import Path

import yaml

from development.lab.node import Node
from tests.lab import foreign
from tests.lab.cluster import Cluster

UNIT = "/etc/systemd/system/kube-proxy.service"

_UNIT = """\
[Unit]
Description=Kubernetes Kube Proxy

[Service]
ExecStart=/usr/local/bin/kube-proxy --config=/var/lib/kube-proxy/kube-proxy-config.yaml
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""
_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters:
- name: default
  cluster: {server: 'https://192.168.99.100:8443', certificate-authority: /var/lib/kube-proxy/ca.pem}
users:
- name: kube-proxy
  user: {client-certificate: /var/lib/kube-proxy/kube-proxy.pem, client-key: /var/lib/kube-proxy/kube-proxy-key.pem}
contexts:
- name: default
  context: {cluster: default, user: kube-proxy}
current-context: default
"""
_SET_UP = """\
set -e
mkdir -p /opt/kube/bin
cd /opt/kube/bin
tar -xf -
chmod 755 kube-proxy
ln -s /opt/kube/bin/kube-proxy /usr/local/bin/kube-proxy
mkdir /var/lib/kube-proxy
mv kubeconfig *.yaml *.pem /var/lib/kube-proxy/
mv unit /etc/systemd/system/kube-proxy.service
modprobe -a nf_conntrack ip_vs ip_vs_rr
systemctl daemon-reload
systemctl enable --quiet --now kube-proxy
until ipvsadm -ln | grep -q '^TCP  10.0.0.1:443 rr'; do sleep 0.5; done
"""
_REMOVE = """\
systemctl disable --quiet --now kube-proxy
kube-proxy --cleanup 2>/dev/null
rm -r /etc/systemd/system/kube-proxy.service /usr/local/bin/kube-proxy /opt/kube /var/lib/kube-proxy
systemctl daemon-reload
"""


def set_up(cluster: Cluster, node: Node) -> None:
    """Sets up a kube-proxy in mode ipvs and waits until it serves."""
    configuration = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "ipvs",
        "clusterCIDR": "172.30.0.0/16",
        "ipvs": {"excludeCIDRs": [foreign.EXCLUDED]},
        "clientConnection": {"kubeconfig": "/var/lib/kube-proxy/kubeconfig"},
        "hostnameOverride": node.name,
    }
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "unit").write_text(_UNIT)
        (directory / "kubeconfig").write_text(_KUBECONFIG)
        (directory / "kube-proxy-config.yaml").write_text(yaml.safe_dump(configuration))
        (directory / "ca.pem").write_bytes((cluster.lab.cert / "trust.pem").read_bytes())
        (directory / "kube-proxy").symlink_to(cluster.lab.bin / "kube-proxy")
        _issue(cluster, directory)
        archive = subprocess.run(["tar", "-chf", "-", "."], cwd=directory, capture_output=True, check=True).stdout
    node.run(_SET_UP, stdin=archive, seconds=300)


def _issue(cluster: Cluster, directory: Path) -> None:
    key, certificate = directory / "kube-proxy-key.pem", directory / "kube-proxy.pem"
    ca, ca_key = cluster.lab.cert / "ca.pem", cluster.lab.cert / "ca-key.pem"
    command = "openssl req -newkey rsa:2048 -nodes -subj /CN=system:kube-proxy -days 30 -x509"
    subprocess.run(
        [*command.split(), "-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", certificate],
        capture_output=True,
        check=True,
    )


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
    node.run("sh", stdin=_REMOVE.encode())
