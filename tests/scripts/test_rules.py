"""Activation removes kube-proxy's rules of the other modes, removal removes all of them; rules of others are kept."""

import re

from tests.scripts.fake_node import CONFIGURATION, FOREIGN_VIRTUAL_SERVERS, RECORDED, FakeNode

FOREIGN_CHAINS = {"filter FOREIGN", "nat KUBE-ROUTER-TEST", "mangle KUBE-KUBELET-CANARY"}
KUBELET_CHAINS = {"filter KUBE-FIREWALL"}
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


def set_mode(node: FakeNode, mode: str) -> None:
    node.parameters["MODE"] = mode
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("mode: ipvs", f"mode: {mode}")


def chains(node: FakeNode) -> set[str]:
    """Returns the node's chains as "table chain", without the kernel's own. No rule may jump to a missing chain."""
    found, table = set(), ""
    for line in node.path("iptables").read_text().splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":") and " - " in line:
            found.add(f"{table} {line[1:].split()[0]}")
        elif target := re.search(r"-j (KUBE-\S+)", line):
            assert f"{table} {target[1]}" in found, line
    return found


def test_recording_has_every_chain_that_these_tests_name() -> None:
    assert {line[1:].split()[0] for line in RECORDED.splitlines() if " - [" in line} == {
        name.split()[1] for name in FOREIGN_CHAINS | KUBELET_CHAINS | BOTH | IPVS | IPTABLES
    }


def test_mode_ipvs_removes_rules_of_iptables_and_nftables(between_modes: FakeNode) -> None:
    set_mode(between_modes, "ipvs")
    between_modes.deploy()
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELET_CHAINS | BOTH | IPVS
    assert '"kubernetes load balancer firewall"' not in between_modes.path("iptables").read_text()
    assert '"kube-proxy firewall rules"' in between_modes.path("iptables").read_text()
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert between_modes.path("kube-ipvs0").exists()
    assert "KUBE-CLUSTER-IP" in between_modes.path("ipsets").read_text()


def test_mode_iptables_removes_rules_of_ipvs_and_nftables(between_modes: FakeNode) -> None:
    set_mode(between_modes, "iptables")
    between_modes.deploy()
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELET_CHAINS | BOTH | IPTABLES
    assert '"kube-proxy firewall rules"' not in between_modes.path("iptables").read_text()
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert_no_ipvs(between_modes)


def test_mode_nftables_removes_rules_of_ipvs_and_iptables(between_modes: FakeNode) -> None:
    set_mode(between_modes, "nftables")
    between_modes.deploy()
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELET_CHAINS
    assert "table ip kube-proxy\n" in between_modes.path("tables").read_text()
    assert_no_ipvs(between_modes)


def test_removal_removes_rules_of_all_modes(between_modes: FakeNode) -> None:
    assert "its files and rules are removed\n" in between_modes.succeed("remove").stderr
    assert chains(between_modes) == FOREIGN_CHAINS | KUBELET_CHAINS
    assert between_modes.path("tables").read_text() == "table inet foreign\n"
    assert_no_ipvs(between_modes)


def test_removal_removes_the_chain_shared_with_the_kubelet_if_there_is_no_kubelet(between_modes: FakeNode) -> None:
    between_modes.write("iptables", RECORDED.replace(":KUBE-KUBELET-CANARY - [0:0]\n", ""))
    between_modes.succeed("remove")
    assert chains(between_modes) == FOREIGN_CHAINS - {"mangle KUBE-KUBELET-CANARY"}


def test_removal_keeps_rules_in_chains_of_other_programs(between_modes: FakeNode) -> None:
    between_modes.succeed("remove")
    kept = between_modes.path("iptables").read_text()
    assert [line for line in kept.splitlines() if line.startswith("-A") and "KUBE-FIREWALL" not in line] == [
        line for line in RECORDED.splitlines() if line.startswith("-A") and "KUBE-ROUTER-TEST" in line
    ]


def test_rules_that_can_not_be_removed_are_reported_and_fail_the_activation(between_modes: FakeNode) -> None:
    between_modes.write("stuck", "KUBE-CLUSTER-IP\n")
    set_mode(between_modes, "nftables")
    message = "rules of another mode remain: ipset KUBE-CLUSTER-IP: Set cannot be destroyed"
    assert message in between_modes.fail_to_deploy()
    between_modes.path("stuck").unlink()
    between_modes.deploy()
    assert between_modes.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n"


def assert_no_ipvs(node: FakeNode) -> None:
    assert not node.path("kube-ipvs0").exists()
    assert node.path("ipsets").read_text() == "KUBE-DST-ABCDEF\n"
    servers = node.path("proc/net/ip_vs").read_text().split("RemoteAddress:Port Forward Weight ActiveConn InActConn\n")
    assert servers[1] == FOREIGN_VIRTUAL_SERVERS
