"""The life of a fleet, first part: previewed, deployed, left alone, changed. Each test goes on where the last ended."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lab import probe
from tests.lab.cluster import Cluster

BACKENDS = ["192.168.99.121:6443", "192.168.99.122:6443", "192.168.99.123:6443"]


class TestBeforeAnythingIsDeployed:
    def test_a_preview_shows_every_resource_and_contacts_nobody(self, cluster: Cluster) -> None:
        cluster.pulumi("stack", "select", "--create", "dev")
        before = cluster.logins()
        done = cluster.pulumi("preview")
        assert done.status == 0, done.text
        assert "+ 19 to create" in done.text
        assert cluster.logins() == {name: count + 1 for name, count in before.items()}, "the first question's own"

    def test_every_problem_of_the_configuration_is_said_at_once(self, cluster: Cluster) -> None:
        text, before = cluster.configuration_file.read_text(), cluster.logins()
        try:
            cluster.configure(lambda values: values["cluster"].update(server="http://192.168.99.100", verison="1.36.2"))
            cluster.configure(lambda values: values["configuration"].update(mode="userspace"))
            done = cluster.pulumi("preview")
        finally:
            cluster.configuration_file.write_text(text)
        assert done.status != 0
        assert 'cluster.server: Invalid value: "http://192.168.99.100": must' in done.text
        assert 'cluster.verison: Forbidden: unknown key; did you mean "version"?' in done.text
        assert 'configuration.mode: Unsupported value: "userspace": supported values: ' in done.text
        assert "Traceback" not in done.text
        assert cluster.logins() == {name: count + 1 for name, count in before.items()}, "the first question's own"


class TestFirstUp:
    def test_it_deploys_and_reports_each_node(self, cluster: Cluster) -> None:
        before = cluster.logins()
        done = cluster.up()
        assert done.status == 0, done.text
        each = 6  # the host check, preflight, binary, a look whether it is whole, stage, activate
        assert cluster.logins() == {name: count + 1 + each for name, count in before.items()}, "and the question's own"
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

    def test_the_nodes_say_the_same_to_a_person(self, cluster: Cluster) -> None:
        """The guide's own checks, typed on the node."""
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

    def test_files_modules_and_directory_are_the_guides(self, cluster: Cluster) -> None:
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
            assert {"nf_conntrack", "ip_vs", "ip_vs_rr"} <= set(node.run("cut -d ' ' -f 1 /proc/modules").split())
            assert node.run("cat /etc/modules-load.d/kube-proxy.conf").split() == ["nf_conntrack", "ip_vs", "ip_vs_rr"]

    def test_systemd_networkd_leaves_the_services_addresses_alone(self, cluster: Cluster) -> None:
        """The lab's networkd is told to manage every interface: it takes off whatever it finds there when it starts."""
        node = cluster.nodes[0]
        node.run("systemctl restart systemd-networkd; /lib/systemd/systemd-networkd-wait-online -i enp0s1")
        assert "unmanaged" in node.run("networkctl list --no-legend kube-ipvs0")
        assert " 10.0.0.1/32 " in node.run("ip -o -4 address show dev kube-ipvs0")

    def test_kubectl_sees_the_guides_kubeconfig_and_the_api_takes_it(self, cluster: Cluster, tmp_path: Path) -> None:
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
        # The address is the nodes'; from here the same balancer has another.
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
    def test_it_changes_restarts_and_contacts_nothing(self, cluster: Cluster) -> None:
        processes, logins = cluster.processes(), cluster.logins()
        done = cluster.up()
        assert done.status == 0, done.text
        assert "19 unchanged" in done.text
        assert cluster.logins() == {name: count + 1 for name, count in logins.items()}, "the first question's own"
        assert cluster.processes() == processes


class TestOneChangedField:
    def test_the_preview_shows_it_and_nothing_secret(self, cluster: Cluster) -> None:
        cluster.configure(lambda values: values["configuration"].update(oomScoreAdj=-998))
        done = cluster.pulumi("preview", "--diff")
        assert done.status == 0, done.text
        assert "+ oomScoreAdj       : -998" in done.text
        assert "~ 8 to update" in done.text
        assert "client-key-data" not in done.text

    def test_each_node_restarts_exactly_once_and_no_request_fails(self, cluster: Cluster) -> None:
        with probe.probed(cluster.nodes) as answers:
            done = cluster.up()
        assert done.status == 0, done.text
        for node in cluster.nodes:
            assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
            assert f"{node.name}: activate: restarting kube-proxy (changed: kube-proxy-config.yaml)" in done.text
            starts = node.run("journalctl -u kube-proxy -o cat | grep -c '^Started kube-proxy'")
            assert int(starts) == 2, "the first up's and this one's"
