"""The life of a fleet, second part: all that preflight finds, on a real node, and all of it at once."""

from collections.abc import Iterator

import pytest

from development.lab.node import Node
from tests.lab import faults
from tests.lab.cluster import Cluster

ROOM = "KiB free, has 0 KiB: free some space there"
READ_ONLY = "must be writable: is the file system full or mounted read-only? (mount | grep ro,)"
WIPES = "deletes kube-proxy's rules when it restarts or reloads: configure it to keep them, or"

ALWAYS = [
    "systemd must be version 235 or newer, is 219: upgrade the operating system",
    "warning: Kubernetes is tested with Linux 4.19 and newer, this node has 4.18.0-553.el8",
    "program flock must be installed: it is in the package util-linux (apt-get install util-linux)",
    "program sha256sum must be installed: it is in the package coreutils (apt-get install coreutils)",
    f"/etc must have 1024 {ROOM}",
    f"/usr/local/bin {READ_ONLY}",
    f"/usr/lib/systemd/system must have 1024 {ROOM}",
    f"/usr/lib/systemd/system {READ_ONLY}",
    "ahead of the API server's: set it (timedatectl set-ntp true)",
    "(/system.slice/kube-proxy-old.service): systemctl disable --now kube-proxy-old.service",
    "(/kubepods.slice/kubepods-besteffort.slice/pod.service): remove its DaemonSet (kubectl -n kube-system delete daemonset",
    "no other kube-proxy may run on this node, k3s has one built in: start k3s with --disable-kube-proxy",
    f"warning: firewalld {WIPES}",
    f"warning: netfilter-persistent {WIPES}",
    f"warning: nftables {WIPES}",
    "warning: pods on the bridge cni0 can't reach each other through IPv4 Services without br_netfilter: run modprobe",
]
IN_MODE_IPVS = [
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
def troubled(deployed: Cluster) -> Iterator[Cluster]:
    """The fleet, its first node in every trouble."""
    faults.provoke(deployed.nodes[0])
    yield deployed
    faults.mend(deployed.nodes[0])


def state(node: Node) -> str:
    """What a change would change: the process, the live files and the kept generations."""
    return node.run(
        "systemctl show -P MainPID kube-proxy; stat -c '%n %i %Z' /etc/kubernetes/* /usr/local/bin/kube-proxy "
        "/usr/lib/systemd/system/kube-proxy.service /var/lib/kube-proxy-generations /var/lib/kube-proxy-generations/*"
    )


def assert_told(findings: list[str], said: list[str]) -> None:
    """Each finding is in a line."""
    for finding in findings:
        assert any(finding in line for line in said), f"{finding} is not in:\n" + "\n".join(said)


class TestPreflight:
    def test_one_up_tells_everything_and_changes_nothing(self, troubled: Cluster) -> None:
        node = troubled.nodes[0]
        before = state(node)
        own = {"healthzBindAddress": f"192.168.99.101:{faults.PORT}", "ipvs": {"scheduler": faults.SCHEDULER}}
        text = troubled.configuration_file.read_text()
        troubled.list_nodes(lambda nodes: [nodes[0] | {"configuration": own}, *nodes[1:]])
        done = troubled.up()
        troubled.configuration_file.write_text(text)
        assert done.status != 0
        assert_told([*ALWAYS, *IN_MODE_IPVS], done.text.splitlines())
        assert (
            "of this node's requirements are not met (see above); nothing was changed; fix them, then run" in done.text
        )
        assert state(node) == before

    def test_other_modes_have_needs_of_their_own(self, troubled: Cluster) -> None:
        said = faults.preflight(troubled.nodes[0], MODE="nftables", VERSION="1.35.1")
        assert_told([*ALWAYS, *IN_MODE_NFTABLES], said)

    def test_what_a_node_can_not_do_without_is_missed_by_name(self, troubled: Cluster) -> None:
        programs = "/usr/bin/curl /usr/bin/ss /usr/bin/kmod /usr/local/bin/kube-proxy"
        hide = f"for program in {programs}; do mount --bind /dev/null $program; done; mount -t tmpfs none /run/systemd"
        said = faults.preflight(troubled.nodes[0], hide)
        assert_told(
            [
                "systemd must be the running init system",
                "program curl must be installed: it is in the package curl",
                "program ss must be installed: it is in the package iproute2",
                "program modprobe must be installed: it is in the package kmod",
                "/usr/local/bin/kube-proxy must be an executable file (binary.source is preinstalled): install kube-proxy 1.36.2, or",
            ],
            said,
        )

    def test_a_module_that_the_kernel_lacks_is_named(self, troubled: Cluster) -> None:
        said = faults.preflight(troubled.nodes[0], MODE="ipvs", KERNEL_MODULES="ip_vs ip_vs_none")
        assert_told(
            ["kernel module ip_vs_none must be available for mode ipvs: install the package with the modules"], said
        )


def test_once_all_is_mended_the_next_up_finds_nothing(deployed: Cluster) -> None:
    """The class above is over, and its fixture has mended it."""
    before = deployed.processes()
    said = faults.preflight(deployed.nodes[0], MODE="ipvs", FAMILIES="IPv4")
    assert said == ["ready for kube-proxy 1.36.2 in mode ipvs"]
    done = deployed.up()
    assert done.status == 0, done.text
    assert deployed.processes() == before
