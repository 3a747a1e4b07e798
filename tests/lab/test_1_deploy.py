"""A fleet's first preview, first deployment, second run and first change."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lab.cluster import Cluster

BACKENDS = ["192.168.99.121:6443", "192.168.99.122:6443", "192.168.99.123:6443"]


class TestPreviewOfANewStack:
    def test_shows_every_resource_and_contacts_no_node(self, cluster: Cluster) -> None:
        cluster.pulumi("stack", "select", "--create", "dev")
        with cluster.logins() as logins:
            result = cluster.pulumi("preview")
        assert result.status == 0, result.output
        assert "+ 11 to create" in result.output
        assert set(logins.values()) == {0}

    def test_reports_all_problems_of_the_configuration_at_once_and_contacts_no_node(self, cluster: Cluster) -> None:
        text = cluster.configuration_file.read_text()
        try:
            cluster.configure(lambda values: values["cluster"].update(server="http://192.168.99.100", verison="1.36.2"))
            cluster.configure(lambda values: values["configuration"].update(mode="userspace"))
            with cluster.logins() as logins:
                result = cluster.pulumi("preview")
        finally:
            cluster.configuration_file.write_text(text)
        assert result.status != 0
        assert 'cluster.server: Invalid value: "http://192.168.99.100": must' in result.output
        assert 'cluster.verison: Forbidden: unknown key; did you mean "version"?' in result.output
        assert 'configuration.mode: Unsupported value: "userspace": supported values: ' in result.output
        assert "Traceback" not in result.output
        assert set(logins.values()) == {0}


class TestFirstUp:
    def test_reports_what_each_node_proved(self, cluster: Cluster) -> None:
        with cluster.logins() as logins:
            result = cluster.up()
        assert result.status == 0, result.output
        # delivery, stage, activate
        assert set(logins.values()) == {3}
        outputs = cluster.outputs()
        assert outputs["certificate"]["subject"] == ("CN=system:kube-proxy,OU=wangxyd,O=k8s,L=Suzhou,ST=Jiangsu,C=CN")
        for number, node in enumerate(cluster.nodes, start=101):
            report = outputs["nodes"][node.name]
            servers = report.pop("virtualServers")
            assert servers == [{"server": "TCP 10.0.0.1:443 rr", "realServers": servers[0]["realServers"]}]
            assert sorted(servers[0]["realServers"]) == BACKENDS
            assert report | {"generation": ""} == {
                "generation": "",
                "active": True,
                "enabled": True,
                "version": "1.36.2",
                "mode": "ipvs",
                "listeners": [f"192.168.99.{number}:10256", f"192.168.99.{number}:10249"],
                "kubernetesService": "10.0.0.1:443",
                "request": "answered",
                "certificateNotAfter": outputs["certificate"]["notAfter"],
            }

    def test_nodes_pass_the_checks_of_the_guide(self, cluster: Cluster) -> None:
        """The commands that the guide has an administrator type on each node."""
        for number, node in enumerate(cluster.nodes, start=101):
            status = node.run("systemctl status kube-proxy.service | grep -e Loaded -e Active")
            assert "enabled" in status
            assert "active (running)" in status
            listening = node.run("ss -lnptu | grep kube-proxy")
            assert f"192.168.99.{number}:10249" in listening
            assert f"192.168.99.{number}:10256" in listening
            rules = re.findall(r"TCP +10\.0\.0\.1:443 (\w+)|-> (\S+) +Masq", node.run("ipvsadm -ln"))
            assert [first or second for first, second in rules][:1] == ["rr"]
            assert sorted(second for _, second in rules[1:]) == BACKENDS
            assert '"gitVersion": "v1.36.2"' in node.run("curl -ks https://10.0.0.1/version")

    def test_files_and_modules_are_those_of_the_guide(self, cluster: Cluster) -> None:
        for node in cluster.nodes:
            modes = node.run(
                "stat -c '%a %U:%G %n' /etc/kubernetes/* /usr/lib/systemd/system/kube-proxy.service /usr/local/bin/kube-proxy /opt/k8s/kube-proxy"
            )
            assert modes.splitlines() == [
                "644 root:root /etc/kubernetes/kube-proxy-config.yaml",
                "644 root:root /etc/kubernetes/kube-proxy.conf",
                "600 root:root /etc/kubernetes/kube-proxy.kubeconfig",
                "644 root:root /usr/lib/systemd/system/kube-proxy.service",
                "755 root:root /usr/local/bin/kube-proxy",
                "755 root:root /opt/k8s/kube-proxy",
            ]
            assert "ignoring" not in node.run("journalctl -b -o cat -u kube-proxy"), (
                "the kernel must have the unit's hardening"
            )
            assert {"nf_conntrack", "ip_vs", "ip_vs_rr"} <= set(node.run("cut -d ' ' -f 1 /proc/modules").split())
            assert node.run("cat /etc/modules-load.d/kube-proxy.conf").split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]

    def test_systemd_networkd_keeps_the_addresses_of_services(self, cluster: Cluster) -> None:
        """The lab's networkd manages every interface: when it starts, it removes addresses that it did not set."""
        node = cluster.nodes[0]
        node.run("systemctl restart systemd-networkd; /lib/systemd/systemd-networkd-wait-online -i enp0s1")
        assert "unmanaged" in node.run("networkctl list --no-legend kube-ipvs0")
        assert " 10.0.0.1/32 " in node.run("ip -o -4 address show dev kube-ipvs0")

    def test_kubeconfig_is_that_of_the_guide_and_the_api_accepts_it(self, cluster: Cluster, tmp_path: Path) -> None:
        kubeconfig = tmp_path / "kube-proxy.kubeconfig"
        kubeconfig.touch(mode=0o600)
        kubeconfig.write_text(cluster.nodes[0].run("cat /etc/kubernetes/kube-proxy.kubeconfig"))
        shown = yaml.safe_load(cluster.kubectl("config", "view", f"--kubeconfig={kubeconfig}"))
        assert shown | {"preferences": {}} == {
            "apiVersion": "v1",
            "clusters": [
                {
                    "cluster": {
                        "certificate-authority-data": "DATA+OMITTED",
                        "server": "https://192.168.99.100:8443",
                    },
                    "name": "kubernetes",
                }
            ],
            "contexts": [{"context": {"cluster": "kubernetes", "user": "kube-proxy"}, "name": "default"}],
            "current-context": "default",
            "kind": "Config",
            "preferences": {},
            "users": [
                {
                    "name": "kube-proxy",
                    "user": {"client-certificate-data": "DATA+OMITTED", "client-key-data": "DATA+OMITTED"},
                }
            ],
        }
        # The kubeconfig has the balancer's address as nodes see it; this machine reaches it at another one.
        here = yaml.safe_load(cluster.lab.admin_kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        as_kube_proxy = (f"--kubeconfig={kubeconfig}", f"--server={here}")
        assert "system:kube-proxy" in cluster.kubectl("auth", "whoami", *as_kube_proxy)
        assert "kubernetes" in cluster.kubectl("get", "services", *as_kube_proxy)
        with pytest.raises(subprocess.CalledProcessError):
            cluster.kubectl("get", "secrets", *as_kube_proxy)
        user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]
        certificate = tmp_path / "kube-proxy.pem"
        certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
        subprocess.run(
            ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(cluster.lab.cert / "ca.pem"), certificate],
            check=True,
            capture_output=True,
        )


class TestSecondUp:
    def test_changes_nothing_restarts_nothing_and_contacts_no_node(self, cluster: Cluster) -> None:
        processes = cluster.processes()
        with cluster.logins() as logins:
            result = cluster.up()
        assert result.status == 0, result.output
        assert "11 unchanged" in result.output
        assert set(logins.values()) == {0}
        assert cluster.processes() == processes


def test_change_of_one_field_is_shown_by_the_preview_without_secrets(cluster: Cluster) -> None:
    """tests/lab/test_5_other_systems.py makes such a change."""
    text = cluster.configuration_file.read_text()
    cluster.configure(lambda values: values["configuration"].update(oomScoreAdj=-998))
    result = cluster.pulumi("preview", "--diff")
    cluster.configuration_file.write_text(text)
    assert result.status == 0, result.output
    assert "+ oomScoreAdj       : -998" in result.output
    assert "~ 4 to update" in result.output
    assert "client-key-data" not in result.output
