"""What preflight says before a node changes its mode: what answers today and won't then, with names, and nothing else."""

from collections.abc import Callable

import pytest

from tests.scripts.fake_node import CONFIGURATION, IP_VS, RECORDED, FakeNode

READY = "ready for kube-proxy 1.36.2 in mode nftables"
PING = "warning: Service addresses answer ping: in mode nftables only their Services' ports answer"

FIREWALLS = """\
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table ip kube-proxy {
	chain filter-forward {
		type filter hook forward priority filter; policy drop;
	}
}
table inet own {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
	}
	chain input {
		type filter hook input priority filter; policy drop;
	}
}
table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		reject with icmpx admin-prohibited
	}
}
table inet last {
	chain last {
		type filter hook forward priority filter; policy accept;
		counter packets 3 bytes 180 drop
	}
}
"""

Leave = Callable[[str], FakeNode]


@pytest.fixture
def leave(node: FakeNode) -> Leave:
    """Return the node, whose rules are those of mode ipvs, on its way to another mode."""

    def to(mode: str) -> FakeNode:
        node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("ipvs", mode) + "bindAddress: 192.168.99.101\n"
        node.parameters["MODE"] = mode
        return node

    return to


@pytest.fixture
def leaving(leave: Leave) -> FakeNode:
    return leave("nftables")


@pytest.fixture
def iptables_node(leaving: FakeNode) -> FakeNode:
    """A node with the rules of mode iptables, which leaves it for nftables."""
    leaving.path("/kube-ipvs0").unlink()
    leaving.path("/proc/net/ip_vs").unlink()
    leaving.write("iptables", RECORDED)
    return leaving


def test_only_ping_is_told_of_a_node_where_nothing_else_differs(leaving: FakeNode) -> None:
    assert leaving.preflight_messages() == [PING, READY]


@pytest.mark.parametrize("mode", ["ipvs", "iptables"])
def test_mode_that_stays_tells_nothing(leave: Leave, mode: str) -> None:
    node = leave(mode)
    node.write("/proc/net/ip_vs", IP_VS.replace(" rr", " lc"))
    if mode == "iptables":
        node.path("/kube-ipvs0").unlink()
        node.write("/proc/net/ip_vs", "")
        node.write("iptables", RECORDED)
    node.write("/proc/sys/net/ipv4/conf/all/route_localnet", "1\n")
    node.write("kernel-release", "5.15.0-91-generic\n")
    node.write("chains", FIREWALLS)
    assert node.preflight_messages() == [READY.replace("nftables", mode)]


def test_node_that_left_before_tells_nothing(leaving: FakeNode) -> None:
    leaving.path("/kube-ipvs0").unlink()
    leaving.write("/proc/net/ip_vs", "")
    leaving.write("iptables", RECORDED.replace(":FORWARD ACCEPT", ":FORWARD DROP"))
    leaving.write("tables", "table ip kube-proxy\n")
    leaving.write("chains", FIREWALLS)
    assert leaving.preflight_messages() == [READY]


def test_node_ports_of_ipvs_at_other_addresses_than_the_primary_one(leaving: FakeNode) -> None:
    leaving.write("ipsets", "KUBE-NODE-PORT-TCP 30080\n")
    others = "".join(f"TCP  0A0A0A0{digit}:7580 rr\n" for digit in "7654321")
    leaving.write("/proc/net/ip_vs", f"{IP_VS}TCP  C0A86365:7580 rr\n{others}")
    assert leaving.preflight_messages()[1] == (
        "warning: node ports answer at 10.10.10.1, 10.10.10.2, 10.10.10.3, 10.10.10.4, 10.10.10.5 and 2 more too: in mode "
        "nftables only at the node's primary address (one for each IP family), unless nodePortAddresses in "
        "kube-proxy:configuration says otherwise"
    )
    leaving.files["kube-proxy-config.yaml"] += "nodePortAddresses:\n- 0.0.0.0/0\n"
    assert leaving.preflight_messages() == [PING, READY]


@pytest.mark.parametrize("mode", ["nftables", "iptables"])
def test_what_only_ipvs_has(leave: Leave, mode: str) -> None:
    node = leave(mode)
    node.write("/proc/net/ip_vs", IP_VS.replace(" rr", " lc"))
    node.write("/proc/sys/net/ipv4/conf/all/arp_ignore", "1\n")
    node.write("/proc/sys/net/ipv4/conf/all/arp_announce", "2\n")
    node.write(
        "/etc/kubernetes/kube-proxy-config.yaml",
        "conntrack:\n  udpTimeout: 9s\nipvs:\n  scheduler: lc\n  tcpFinTimeout: 0s\n  tcpTimeout: 15m0s\n  udpTimeout: 1m0s\n",
    )
    node.write(
        "listeners",
        'LISTEN 0 10 10.0.0.1:53 0.0.0.0:* users:(("named\x1b[2J",pid=99,fd=3))\n'
        'LISTEN 0 10 10.0.0.1%kube-ipvs0:80 0.0.0.0:* users:(("a proxy",pid=98,fd=3),("a proxy",pid=97,fd=3))\n'
        'LISTEN 0 10 10.0.0.11:80 0.0.0.0:* users:(("other",pid=96,fd=3))\n'
        'LISTEN 0 10 0.0.0.0:80 0.0.0.0:* users:(("all",pid=95,fd=3))\n',
    )
    assert node.preflight_messages() == [
        f"warning: IPVS uses the scheduler lc here: mode {mode} always chooses at random",
        "warning: net.ipv4.conf.all.arp_ignore is 1 and arp_announce is 2, perhaps by ipvs.strictARP: "
        f"mode {mode} doesn't need that and leaves it as it is",
        PING.replace("nftables", mode),
        "warning: programs listen at Service addresses: a proxy at 10.0.0.1%kube-ipvs0:80, named[2J at 10.0.0.1:53; in mode "
        f"{mode} no interface has these addresses: let them listen at another one",
        f"warning: kube-proxy's configuration sets tcpTimeout udpTimeout of ipvs: in mode {mode} the timeouts of conntrack "
        "apply (sysctl -a | grep nf_conntrack_.*timeout)",
        READY.replace("nftables", mode),
    ]


def test_ipv6_listener_at_a_service_address(ipv6_node: FakeNode) -> None:
    ipv6_node.parameters["MODE"] = "nftables"
    ipv6_node.write("listeners", 'LISTEN 0 10 [fd00:10::1]:53 [::]:* users:(("named",pid=99,fd=3))\n')
    assert "warning: programs listen at Service addresses: named at [fd00:10::1]:53; in mode" in "\n".join(
        ipv6_node.preflight_messages()
    )


def test_node_ports_of_iptables(iptables_node: FakeNode) -> None:
    """None is there in the recording, and 127.0.0.1 needs route_localnet, and localhostNodePorts not to be false."""
    assert iptables_node.preflight_messages() == [READY]

    port = "-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-NPX46M4PTMTKRN6Y\n"
    iptables_node.write("iptables", RECORDED.replace("-A KUBE-SERVICES", f"{port}-A KUBE-SERVICES", 1))
    iptables_node.write("/proc/sys/net/ipv4/conf/all/route_localnet", "1\n")
    iptables_node.write("addresses", "127.0.0.1/8 192.168.99.101/24 10.10.10.1/24 fe80::1/64")
    addresses, loopback, ready = iptables_node.preflight_messages()
    assert addresses.startswith("warning: node ports answer at 10.10.10.1 too: in mode nftables only at the node's")
    assert loopback == (
        "warning: node ports answer at 127.0.0.1: not in mode nftables; who uses them is in kube-proxy's metric "
        "kubeproxy_iptables_localhost_nodeports_accepted_packets_total, if it isn't 0"
    )
    assert ready == READY

    rules = iptables_node.path("iptables").read_text()
    rules = rules.replace("-m addrtype --dst-type LOCAL -j", "! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j")
    iptables_node.write("iptables", rules)
    assert iptables_node.preflight_messages() == [addresses, READY]


def test_kernel_that_resets_connections(leaving: FakeNode) -> None:
    leaving.write("kernel-release", "5.15.0-91-generic\n")
    assert leaving.preflight_messages()[1] == (
        "warning: Linux before 6.1 may reset long connections through Services, and mode nftables has no workaround by "
        "default; this node has 5.15.0-91-generic: set conntrack.tcpBeLiberal: true in kube-proxy:configuration"
    )
    leaving.files["kube-proxy-config.yaml"] += "conntrack:\n  tcpBeLiberal: true\n"
    assert leaving.preflight_messages() == [PING, READY]


def test_firewalls_whose_drops_kube_proxy_can_no_longer_prevent(leaving: FakeNode) -> None:
    """iptables' own tables are named once. firewalld accepts what was translated."""
    leaving.write("chains", FIREWALLS)
    leaving.write("iptables", RECORDED.replace(":FORWARD ACCEPT", ":FORWARD DROP"))
    assert leaving.preflight_messages()[1] == (
        "warning: forwarded packets are dropped by iptables (chain FORWARD), nftables (inet last, chain last), nftables (inet "
        "own, chain forward) unless a rule there accepts them: in mode nftables all Service traffic is forwarded, and kube-proxy "
        "adds no such rule, so let the firewall accept traffic of pods and Services"
    )


def test_nftables_firewalls_see_the_traffic_of_mode_iptables_already(iptables_node: FakeNode) -> None:
    """kube-proxy makes its exceptions in iptables alone."""
    iptables_node.write("chains", FIREWALLS)
    assert iptables_node.preflight_messages() == [READY]
    rules = iptables_node.path("iptables").read_text()
    iptables_node.write("iptables", rules.replace(":FORWARD ACCEPT", ":FORWARD DROP"))
    assert "dropped by iptables (chain FORWARD) unless" in iptables_node.preflight_messages()[0]


def test_network_plugins_that_may_look_at_kube_proxys_rules(leaving: FakeNode) -> None:
    for link in ("cali0123456789a", "cilium_host"):
        leaving.path(f"/sys/class/net/{link}").mkdir(parents=True)
    leaving.write("iptables", RECORDED.replace(":FOREIGN", ":KUBE-ROUTER-FORWARD"))
    calico, *others = leaving.preflight_messages()[1:-1]
    assert calico.startswith(
        "warning: Calico runs here with iptables: beside kube-proxy in mode nftables it needs nftables"
    )
    ask = "runs here: ask its documentation whether your version works beside kube-proxy in mode nftables"
    assert others == [f"warning: Cilium {ask}", f"warning: kube-router {ask}"]

    leaving.write("tables", "table ip calico\n")
    assert len(leaving.preflight_messages()) == 4
