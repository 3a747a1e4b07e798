"""All that preflight finds, on a real node with all faults at the same time (tests/lab/faults.py)."""

from collections.abc import Iterator

import pytest

from commands.preflight.__main__ import main
from development.lab.node import Node
from tests.lab import faults
from tests.lab.cluster import Cluster

ROOM = "KiB free, has 0 KiB: free some space there"
READ_ONLY = "must be writable: is the file system full or mounted read-only? (mount | grep ro,)"
WIPES = "deletes kube-proxy's rules when it restarts or reloads: configure it to keep them, or"

ALWAYS = [
    "systemd must be version 235 or newer, is 219: upgrade the operating system",
    "systemd must use /usr/lib/systemd/system/kube-proxy.service for kube-proxy.service, uses /etc/systemd/system/",
    "warning: Kubernetes is tested with Linux 4.19 and newer, this node has 4.18.0-553.el8",
    "program flock must be installed: it is in the package util-linux (apt-get install util-linux)",
    "program sha256sum must be installed: it is in the package coreutils (apt-get install coreutils)",
    f"/etc must have 1024 {ROOM}",
    f"/usr/lib/systemd/system must have 1024 {ROOM}",
    f"/usr/lib/systemd/system {READ_ONLY}",
    "ahead of the API server's: set it (timedatectl set-ntp true)",
    "(/system.slice/kube-proxy-old.service): systemctl disable --now kube-proxy-old.service",
    "(/kubepods.slice/kubepods-besteffort.slice/pod.service): if its pod belongs to the DaemonSet kube-proxy, run kubectl -n",
    "(k3s) has one inside and listens on its ports: disable it there (k3s: disable-kube-proxy: true in /etc/rancher/k3s/",
    f"warning: firewalld {WIPES}",
    f"warning: netfilter-persistent {WIPES}",
    f"warning: nftables {WIPES}",
    "warning: pods on the bridge cni0 can't reach each other through IPv4 Services without br_netfilter: run modprobe",
]
IN_MODE_IPVS = [
    f"/usr/local/bin {READ_ONLY}, or set another binaryDirectory",
    "program ipset must be installed: it is in the package ipset (apt-get install ipset)",
    "program ipvsadm must be installed: it is in the package ipvsadm (apt-get install ipvsadm)",
    "program iptables must be installed: it is in the package iptables (apt-get install iptables)",
    f"kernel module ip_vs_{faults.SCHEDULER} must be loadable for mode ipvs, is disabled: remove its 'install' line",
    f'port 192.168.99.101:{faults.PORT} must be free for kube-proxy, is in use by "systemd",pid=1,',
]
IN_MODE_NFTABLES = [
    "mode nftables needs Linux 5.13 or newer, this node has 4.18.0-553.el8: upgrade the kernel or choose mode ipvs",
    "mode nftables needs nft 1.0.1 or newer, this node has 0.9.8: upgrade the package nftables",
    "/usr/local/bin/kube-proxy must be version 1.35.1, reports 'Kubernetes v1.36.2': install that version, or change",
    "in mode nftables kube-proxy would remove 1 of them (TCP 10.99.0.1:80): choose mode iptables, or mode ipvs with",
    "warning: net.ipv4.ip_forward is 0, so pods behind Services can't be reached through this node: run sysctl -w",
    "warning: net.ipv6.conf.all.forwarding is 0, so pods behind Services can't be reached through this node: run sysctl -w",
    "IPv6 must be enabled for the cluster's pods and Services, is disabled: run sysctl -w net.ipv6.conf.all.disable_ipv6=0",
]


@pytest.fixture(scope="class")
def faulty(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet; its first node has all faults."""
    faults.provoke(deployed.nodes[0])
    yield deployed
    faults.mend(deployed.nodes[0])


def state(node: Node) -> str:
    """Returns what a deployment could change: the process, the live files and the kept generations."""
    return node.run(
        "systemctl show -P MainPID kube-proxy; stat -c '%n %i %Z' /etc/kubernetes/* /usr/local/bin/kube-proxy "
        "/usr/lib/systemd/system/kube-proxy.service /var/lib/kube-proxy-generations/live /var/lib/kube-proxy-generations/*[0-9]*"
    )


def assert_reported(findings: list[str], lines: list[str]) -> None:
    for finding in findings:
        assert any(finding in line for line in lines), f"{finding} is not in:\n" + "\n".join(lines)


class TestPreflight:
    def test_reports_all_faults_in_one_up_and_changes_nothing(self, faulty: Cluster) -> None:
        node = faulty.nodes[0]
        before = state(node)
        own = {"healthzBindAddress": f"192.168.99.101:{faults.PORT}", "ipvs": {"scheduler": faults.SCHEDULER}}
        text = faulty.configuration_file.read_text()
        faulty.list_nodes(lambda nodes: [nodes[0] | {"configuration": own}, *nodes[1:]])
        result = faulty.up()
        faulty.configuration_file.write_text(text)
        assert result.status != 0
        assert_reported([*ALWAYS, *IN_MODE_IPVS], result.output.splitlines())
        assert (
            "of this node's requirements are not met (see above); nothing was changed; fix them, then run"
            in result.output
        )
        assert state(node) == before

    def test_reports_what_mode_nftables_lacks(self, faulty: Cluster) -> None:
        lines = faults.preflight(faulty.nodes[0], MODE="nftables", VERSION="1.35.1")
        assert_reported([*ALWAYS, *IN_MODE_NFTABLES], lines)

    def test_names_each_missing_program(self, faulty: Cluster) -> None:
        programs = "/usr/bin/curl /usr/bin/ss /usr/bin/kmod /usr/local/bin/kube-proxy"
        hide = f"for program in {programs}; do mount --bind /dev/null $program; done; mount -t tmpfs none /run/systemd"
        lines = faults.preflight(faulty.nodes[0], hide)
        assert_reported(
            [
                "systemd must be the running init system",
                "program curl must be installed: it is in the package curl",
                "program ss must be installed: it is in the package iproute2",
                "program modprobe must be installed: it is in the package kmod",
                "/usr/local/bin/kube-proxy must be an executable file (binary.source is preinstalled): install kube-proxy 1.36.2, or",
            ],
            lines,
        )

    def test_names_a_module_that_the_kernel_lacks(self, faulty: Cluster) -> None:
        lines = faults.preflight(faulty.nodes[0], MODE="ipvs", KERNEL_MODULES="ip_vs ip_vs_none")
        assert_reported(
            ["kernel module ip_vs_none must be available for mode ipvs: install the package with the modules"], lines
        )


def test_preflight_passes_once_all_faults_are_removed(deployed: Cluster) -> None:
    lines = faults.preflight(deployed.nodes[0], MODE="ipvs", FAMILIES="IPv4")
    assert lines == ["ready for kube-proxy 1.36.2 in mode ipvs"]


ASKED = """\
NODE         STATE                 SEE
k8s-node01   ready, with remarks   1
k8s-node02   ready, with remarks   1 2 3

Remarks:
1.  k8s-node01, k8s-node02
    Service addresses answer ping: in mode nftables only their Services' ports answer
2.  k8s-node02
    programs listen at Service addresses: systemd at 10.0.0.1:8053; in mode nftables no interface has these addresses: let them listen at another one
3.  k8s-node02
    forwarded packets are dropped by nftables (inet own, chain forward) unless a rule there accepts them: in mode nftables all Service traffic is forwarded, and kube-proxy adds no such rule, so let the firewall accept traffic of pods and Services

2 nodes: 2 ready with remarks
"""


def test_fleet_is_asked_before_it_leaves_ipvs_and_nothing_stays(
    deployed: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = "ls -d /run/kube-proxy.* /var/lib/kube-proxy-generations/deliveries/* /var/lib/.kube-proxy* 2>/dev/null; :"
    before = [(state(node), node.run(kept)) for node in deployed.nodes]
    other = deployed.nodes[1]
    other.run("systemd-run -q --unit=squatter --socket-property=ListenStream=10.0.0.1:8053 /bin/true")
    other.run(
        "nft add table inet own; nft 'add chain inet own forward { type filter hook forward priority 0; policy drop; }'"
    )
    capsys.readouterr()
    status = main([str(deployed.configuration_file), "--mode", "nftables"])
    printed = capsys.readouterr().out
    other.run("nft delete table inet own; systemctl stop squatter.socket")
    assert (status, printed) == (0, ASKED)
    assert [(state(node), node.run(kept)) for node in deployed.nodes] == before
