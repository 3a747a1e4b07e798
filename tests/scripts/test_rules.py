"""Of kube-proxy's rules only those of the live mode stay, after a removal none; what is somebody else's stays."""

import re

import pytest

from tests.scripts.fake_node import CONFIGURATION, FOREIGN_SERVERS, RECORDED, FakeNode

FOREIGN_CHAINS = {"filter FOREIGN", "nat KUBE-ROUTER-TEST", "mangle KUBE-KUBELET-CANARY"}
KUBELETS = {"filter KUBE-FIREWALL"}
BOTH = {
    "nat KUBE-SERVICES",
    "nat KUBE-POSTROUTING",
    "nat KUBE-MARK-MASQ",
    "filter KUBE-FORWARD",
    "filter KUBE-PROXY-FIREWALL",
}
IPVS = {
    "nat KUBE-NODE-PORT",
    "nat KUBE-LOAD-BALANCER",
    "filter KUBE-NODE-PORT",
    "filter KUBE-SOURCE-RANGES-FIREWALL",
    "filter KUBE-IPVS-FILTER",
    "filter KUBE-IPVS-OUT-FILTER",
}
IPTABLES = {
    "nat KUBE-NODEPORTS",
    "nat KUBE-PROXY-CANARY",
    "nat KUBE-SVC-NPX46M4PTMTKRN6Y",
    "nat KUBE-SEP-FJOK72Z35JTIN6DR",
    "nat KUBE-SEP-LSESJRP6V76LLLEL",
    "nat KUBE-SEP-UBVLUE5YYFVMBXDD",
    "filter KUBE-SERVICES",
    "filter KUBE-EXTERNAL-SERVICES",
    "filter KUBE-NODEPORTS",
    "filter KUBE-PROXY-CANARY",
    "mangle KUBE-PROXY-CANARY",
}


def activate(node: FakeNode, mode: str) -> None:
    node.parameters["MODE"] = mode
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("mode: ipvs", f"mode: {mode}")
    done = node.deploy()
    assert done.returncode == 0, done.stderr


def chains(node: FakeNode) -> set[str]:
    """Every chain of the node but the kernel's own, as "table chain"; a rule must not lead to one that isn't there."""
    found, table = set(), ""
    for line in node.path("iptables").read_text().splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":") and " - " in line:
            found.add(f"{table} {line[1:].split()[0]}")
        elif target := re.search(r"-j (KUBE-\S+)", line):
            assert f"{table} {target[1]}" in found, line
    return found


def test_the_recording_has_all_of_them() -> None:
    assert {line[1:].split()[0] for line in RECORDED.splitlines() if " - [" in line} == {
        name.split()[1] for name in FOREIGN_CHAINS | KUBELETS | BOTH | IPVS | IPTABLES
    }


def test_in_mode_ipvs_what_iptables_and_nftables_had_goes(between_modes: FakeNode) -> None:
    activate(between_modes, "ipvs")
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELETS | BOTH | IPVS
    assert '"kubernetes load balancer firewall"' not in between_modes.path("iptables").read_text()
    assert '"kube-proxy firewall rules"' in between_modes.path("iptables").read_text()
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert between_modes.path("kube-ipvs0").exists()
    assert "KUBE-CLUSTER-IP" in between_modes.path("ipsets").read_text()


def test_in_mode_iptables_what_ipvs_and_nftables_had_goes(between_modes: FakeNode) -> None:
    activate(between_modes, "iptables")
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELETS | BOTH | IPTABLES
    assert '"kube-proxy firewall rules"' not in between_modes.path("iptables").read_text()
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert_no_ipvs(between_modes)


def test_in_mode_nftables_what_ipvs_and_iptables_had_goes(between_modes: FakeNode) -> None:
    activate(between_modes, "nftables")
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELETS
    assert "table ip kube-proxy\n" in between_modes.path("tables").read_text()
    assert_no_ipvs(between_modes)


def test_after_a_removal_all_of_it_is_gone(between_modes: FakeNode) -> None:
    done = between_modes.run("remove")
    assert done.returncode == 0, done.stderr
    assert "its files and rules are removed\n" in done.stderr
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELETS
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert_no_ipvs(between_modes)


def test_without_a_kubelet_the_chain_that_it_shares_goes_too(between_modes: FakeNode) -> None:
    between_modes.write("iptables", RECORDED.replace(":KUBE-KUBELET-CANARY - [0:0]\n", ""))
    assert between_modes.run("remove").returncode == 0
    assert chains(between_modes) == FOREIGN_CHAINS - {"mangle KUBE-KUBELET-CANARY"}


def test_rules_of_others_stay_in_their_chains(between_modes: FakeNode) -> None:
    between_modes.run("remove")
    kept = between_modes.path("iptables").read_text()
    assert [line for line in kept.splitlines() if line.startswith("-A") and "KUBE-FIREWALL" not in line] == [
        line for line in RECORDED.splitlines() if line.startswith("-A") and "KUBE-ROUTER-TEST" in line
    ]


def test_what_can_not_go_is_named_and_fails_the_activation(between_modes: FakeNode) -> None:
    between_modes.write("stuck", "KUBE-CLUSTER-IP\n")
    with pytest.raises(
        AssertionError, match="rules of another mode remain: ipset KUBE-CLUSTER-IP: Set cannot be destroyed"
    ):
        activate(between_modes, "nftables")
    between_modes.path("stuck").unlink()
    activate(between_modes, "nftables")
    assert between_modes.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n"


def assert_no_ipvs(node: FakeNode) -> None:
    assert not node.path("kube-ipvs0").exists()
    assert node.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n"
    servers = node.path("proc/net/ip_vs").read_text().split("RemoteAddress:Port Forward Weight ActiveConn InActConn\n")
    assert servers[1] == FOREIGN_SERVERS


class TestPreflightRefusesToLoseForeignVirtualServers:
    """Upstream flushes them all when it starts in mode nftables, and in mode ipvs with each of its synchronizations."""

    def test_in_mode_nftables_any(self, between_modes: FakeNode) -> None:
        between_modes.parameters["MODE"] = "nftables"
        done = between_modes.run("preflight")
        assert done.returncode == 1
        assert (
            "IPVS virtual servers of other programs must be kept: in mode nftables kube-proxy would remove 2 of them "
            "(TCP 10.99.0.1:80,FWM 00000007): choose mode iptables, or mode ipvs with ipvs.excludeCIDRs, or allow it "
            "with removeForeignVirtualServers: true in kube-proxy:rollout" in done.stderr
        )

    def test_in_mode_ipvs_those_outside_of_exclude_cidrs(self, between_modes: FakeNode) -> None:
        done = between_modes.run("preflight")
        assert done.returncode == 1
        assert (
            "in mode ipvs kube-proxy would remove 1 of them (TCP 10.99.0.1:80): add their addresses to" in done.stderr
        )
        between_modes.parameters["EXCLUDE_CIDRS"] = "FD000000000000000000000000000000/8 0A600000/12"
        assert between_modes.run("preflight").returncode == 0
        between_modes.parameters["EXCLUDE_CIDRS"] = "0A620000/16"
        assert between_modes.run("preflight").returncode == 1

    def test_unless_the_stack_lets_them_go(self, between_modes: FakeNode) -> None:
        between_modes.parameters |= {"MODE": "nftables", "REMOVE_FOREIGN_VIRTUAL_SERVERS": "true"}
        assert between_modes.run("preflight").returncode == 0

    def test_in_mode_iptables_they_are_safe(self, between_modes: FakeNode) -> None:
        between_modes.parameters["MODE"] = "iptables"
        assert between_modes.run("preflight").returncode == 0
