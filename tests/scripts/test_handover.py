"""While kube-proxy changes to or from mode nftables, a second table keeps its rules in the kernel."""

import time

import pytest

from tests.scripts.fake_node import CONFIGURATION, IP_VS, PROGRAMS, RECORDED, RESTART, FakeNode
from tests.scripts.handover import TABLE, copies, left

CONNECTIONS = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP C0A863C9 D813 0A000001 01BB C0A8637A 192B ESTABLISHED     899
TCP C0A863C9 BE95 0A000001 01BB C0A86379 192B ESTABLISHED     890
TCP C0A863C9 BE96 0A000001 01BB C0A86379 192B TIME_WAIT       110
TCP C0A863C9 D81B 0A000001 01BB C0A8637A 192B ESTABLISHED     899
TCP C0A863C9 BE99 0A000001 01BB C0A86379 192B ESTABLISHED     890
TCP C0A863C9 BE99 0A630001 0050 C0A86379 192B ESTABLISHED     890
"""
"""Four connections through the Service kubernetes are open, and one through another program's virtual server."""

SCTP_ASSOCIATIONS = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
SCTP C0A863C9 D813 0A000001 0050 AC1E6502 1F90 ESTABLISHED     899
SCTP C0A863C9 D814 0A000001 0050 AC1E6502 1F90 CLOSED            9
SCTP C0A863C9 D815 C0A86365 7080 AC1E6502 1F90 ESTABLISHED     899
SCTP C0A863C9 D816 0A630001 0050 AC1E6502 1F90 ESTABLISHED     899
"""
"""One association is open to a Service address, one to a node port, one to another program's virtual server."""

COPIES = ["table ip kube-proxy-handover", "table ip6 kube-proxy-handover"]
WAY_OUT = "or set handover: false in kube-proxy:rollout, and new connections fail during the change"


def set_mode(node: FakeNode, mode: str) -> None:
    node.parameters["MODE"] = mode
    node.files["kube-proxy-config.yaml"] = CONFIGURATION.replace("mode: ipvs", f"mode: {mode}")


@pytest.fixture
def nftables_node(node: FakeNode) -> FakeNode:
    """A node on which kube-proxy serves in mode nftables."""
    set_mode(node, "nftables")
    node.path("/kube-ipvs0").unlink()
    node.write("tables", "table ip kube-proxy\ntable ip6 kube-proxy\ntable inet foreign\n")
    node.write("table", TABLE)
    node.write("table6", "\t\telements = { fd00:10::1 . tcp . 443 : goto service }\n")
    node.deploy()
    node.write("kube-ipvs0", "10.0.0.1\n")
    node.systemctl_calls()
    return node


class TestFromNftables:
    def test_live_table_is_copied_for_the_restart(self, nftables_node: FakeNode) -> None:
        set_mode(nftables_node, "ipvs")
        nftables_node.deploy()
        assert copies(nftables_node, "tables-at-restart") == COPIES
        assert nftables_node.path("loaded").read_text().splitlines()[:6] == [
            "table ip kube-proxy-handover",
            "delete table ip kube-proxy-handover",
            "table ip kube-proxy-handover {",
            *TABLE.splitlines(),
            "}",
        ]
        assert left(nftables_node) == []
        assert nftables_node.path("tables").read_text() == "table inet foreign\n"

    @pytest.mark.parametrize("family", ["ip", "ip6"])
    def test_copy_translates_service_addresses_that_are_the_source_of_the_nodes_own_requests(
        self, nftables_node: FakeNode, family: str
    ) -> None:
        """kube-ipvs0 has them: without that no answer comes back where kube-proxy knows no clusterCIDR of the family. kube-proxy's
        own rule comes first, since it takes its mark off the packet."""
        file = {"ip": "table", "ip6": "table6"}[family]
        text = nftables_node.path(file).read_text() + "\tchain nat-postrouting {\n\t\tjump masquerading\n\t}\n"
        nftables_node.write(file, text)
        set_mode(nftables_node, "ipvs")
        nftables_node.deploy()
        assert (
            f"\t\tjump masquerading\n\t\tct status dnat {family} saddr @cluster-ips masquerade fully-random\n"
            in nftables_node.path("loaded").read_text()
        )

    def test_change_that_was_cut_off_before_ipvs_was_removed_gets_a_second_table_again(
        self, nftables_node: FakeNode
    ) -> None:
        nftables_node.files["kube-proxy-config.yaml"] += "oomScoreAdj: 1\n"
        nftables_node.deploy()
        assert copies(nftables_node, "tables-at-restart") == COPIES
        assert not nftables_node.path("/kube-ipvs0").exists()

    def test_same_mode_needs_no_copy(self, nftables_node: FakeNode) -> None:
        nftables_node.path("/kube-ipvs0").unlink()
        nftables_node.files["kube-proxy-config.yaml"] += "oomScoreAdj: 1\n"
        nftables_node.deploy()
        assert copies(nftables_node, "tables-at-restart") == []
        assert not nftables_node.path("detached").exists()

    def test_table_that_an_earlier_kube_proxy_has_left_is_not_copied(self, nftables_node: FakeNode) -> None:
        set_mode(nftables_node, "ipvs")
        nftables_node.write("table", TABLE.replace("192.168.99.12", "192.168.99.2"))
        messages = nftables_node.deploy().stderr
        assert "it leads to no endpoint of the Service 10.0.0.1:443, so an earlier kube-proxy has left it" in messages
        assert copies(nftables_node, "tables-at-restart") == []
        assert left(nftables_node) == []

    def test_stack_may_switch_without(self, nftables_node: FakeNode) -> None:
        set_mode(nftables_node, "ipvs")
        nftables_node.parameters["HANDOVER"] = "false"
        nftables_node.deploy()
        assert copies(nftables_node, "tables-at-restart") == []

    @pytest.mark.parametrize(
        ("file", "text", "message"),
        [
            ("nft-error", "syntax error\n", "nft must accept a copy of kube-proxy's table: syntax error"),
            ("stuck-units", "kube-proxy-handover-guard\n", "systemd-run must start a timer: Failed to start transient"),
        ],
    )
    def test_node_serves_as_before_if_it_can_not_be_made(
        self, nftables_node: FakeNode, file: str, text: str, message: str
    ) -> None:
        before = nftables_node.live_files()
        set_mode(nftables_node, "ipvs")
        nftables_node.write(file, text)
        messages = nftables_node.fail_to_deploy()
        assert message in messages
        assert WAY_OUT in messages
        assert nftables_node.live_files() == before
        assert nftables_node.systemctl_calls() == []
        assert left(nftables_node) == []

    def test_copy_serves_during_a_rollback_and_goes_after_it(self, nftables_node: FakeNode) -> None:
        set_mode(nftables_node, "ipvs")
        nftables_node.files["kube-proxy-config.yaml"] += "oomScoreAdj: 666\n"
        nftables_node.fail_to_deploy()
        assert nftables_node.systemctl_calls().count(RESTART) == 2
        assert copies(nftables_node, "tables-at-restart") == COPIES, "at the second restart"
        assert left(nftables_node) == []

    def test_copy_is_loaded_again_for_a_rollback_if_the_new_mode_does_not_serve_without_it(
        self, nftables_node: FakeNode
    ) -> None:
        set_mode(nftables_node, "ipvs")
        nftables_node.files["kube-proxy-config.yaml"] += "oomScoreAdj: 777\n"
        nftables_node.parameters["MIN_READY"] = "3"
        assert "exited before" in nftables_node.fail_to_deploy()
        assert copies(nftables_node, "tables-at-restart") == COPIES
        assert left(nftables_node) == []


class TestToNftables:
    @pytest.fixture
    def ipvs_node(self, node: FakeNode) -> FakeNode:
        """A node on which kube-proxy serves in mode ipvs, and whose stack now says nftables."""
        node.deploy()
        node.systemctl_calls()
        node.write("table", "\t\telements = { 10.0.0.1 . tcp . 443 : goto service }\n")
        node.write("table6", "")
        set_mode(node, "nftables")
        node.parameters["DRAIN"] = "0"
        return node

    def test_kube_proxy_writes_the_rules_in_a_namespace_before_the_restart(self, ipvs_node: FakeNode) -> None:
        ipvs_node.deploy()
        assert copies(ipvs_node, "tables-at-restart") == COPIES
        assert " 10.0.0.1 . tcp . 443 " in ipvs_node.path("loaded").read_text()
        assert left(ipvs_node) == []

    @pytest.mark.parametrize(
        ("kubeconfig", "listener", "target"),
        [
            ("server: https://192.168.99.100:8443", "192.168.99.100:8443", "192.168.99.100:8443"),
            ("server: https://[fd00:99::100]", "[fd00:99::100]:443", "fd00:99::100:443"),
            ("server: https://kubernetes.lab:8443", "127.0.0.1:8443", "kubernetes.lab:8443"),
            (
                "server: https://192.168.99.100:8443\nproxy-url: http://user:secret@proxy.lab/",
                "127.0.0.1:80",
                "proxy.lab:80",
            ),
        ],
    )
    def test_api_server_is_reached_by_a_socket_at_its_own_address(
        self, ipvs_node: FakeNode, kubeconfig: str, listener: str, target: str
    ) -> None:
        ipvs_node.succeed("stage")
        for generation in ipvs_node.generations():
            (generation / "kube-proxy.kubeconfig").write_text(f"{kubeconfig}\n")
        ipvs_node.write("stuck-units", "kube-proxy-handover\n")
        path = ipvs_node.replace_program(
            "systemd-run", f'echo "$*" >>"$root/started"; exec {PROGRAMS}/systemd-run "$@"'
        )
        ipvs_node.fail("activate", PATH=path)
        (relay,) = [line for line in ipvs_node.path("started").read_text().splitlines() if "handover-api " in line]
        assert f"ListenStream={listener} " in relay
        assert relay.endswith(f"/lib/systemd/systemd-socket-proxyd {target}")
        assert "secret" not in relay

    def test_namespace_has_the_nodes_addresses_without_those_of_services(self, ipvs_node: FakeNode) -> None:
        ipvs_node.succeed("stage")
        path = ipvs_node.replace_program(
            "systemd-run",
            f'[ ! -e "$root/namespace/batch" ] || cp "$root/namespace/batch" "$root/batch"; exec {PROGRAMS}/systemd-run "$@"',
        )
        ipvs_node.succeed("activate", PATH=path)
        assert ipvs_node.path("batch").read_text().splitlines() == [
            "link set lo up",
            "address replace 192.168.99.101/32 dev lo",
            "address replace fd00:99::101/128 dev lo nodad",
            "route replace local 192.168.99.100 dev lo",
        ]

    @pytest.mark.parametrize(
        ("file", "text", "message"),
        [
            ("silent-namespace", "", "kube-proxy must write its rules in the namespace within 2 s"),
            ("stuck-units", "kube-proxy-handover-api\n", "Failed to start transient unit: kube-proxy-handover-api"),
            ("nft-error", "syntax error\n", "nft must accept a copy of kube-proxy's table: syntax error"),
            ("table", "elements\n", "kube-proxy's table must have the Service address 10.0.0.1"),
        ],
    )
    def test_node_serves_as_before_if_the_rules_are_not_written(
        self, ipvs_node: FakeNode, file: str, text: str, message: str
    ) -> None:
        before = ipvs_node.live_files()
        ipvs_node.write(file, text)
        messages = ipvs_node.fail_to_deploy()
        assert message in messages
        assert WAY_OUT in messages
        assert ipvs_node.live_files() == before
        assert ipvs_node.systemctl_calls() == []
        assert left(ipvs_node) == []

    def test_kube_proxy_that_exits_in_the_namespace_is_not_waited_for(self, ipvs_node: FakeNode) -> None:
        ipvs_node.parameters["HEALTH_TIMEOUT"] = "600"
        ipvs_node.write("silent-namespace", "")
        ipvs_node.write("exited-units", "kube-proxy-handover\n")
        messages = ipvs_node.fail_to_deploy()
        assert "must write its rules in the namespace within 600 s (rollout.healthTimeoutSeconds): " in messages
        assert "oomScoreAdj must be within the range" in messages
        assert WAY_OUT in messages
        assert ipvs_node.systemctl_calls() == []
        assert left(ipvs_node) == []

    def test_new_node_without_rules_needs_none(self, node: FakeNode) -> None:
        set_mode(node, "nftables")
        node.path("/kube-ipvs0").unlink()
        node.write("table", " 10.0.0.1 ")
        node.deploy()
        assert not node.path("detached").exists()

    def test_open_connections_through_ipvs_are_waited_for_then_cut(self, ipvs_node: FakeNode) -> None:
        ipvs_node.write("/proc/net/ip_vs_conn", CONNECTIONS)
        ipvs_node.parameters["DRAIN"] = "2"
        began = time.monotonic()
        messages = ipvs_node.deploy().stderr
        assert time.monotonic() - began > 2
        assert (
            "waiting for open connections through IPVS to end: 4, at most 2 s (rollout.connectionDrainSeconds)"
            in messages
        )
        assert "open connections through IPVS that are cut: 4" in messages

    def test_endpoints_that_change_meanwhile_are_taken_over(self, ipvs_node: FakeNode) -> None:
        ipvs_node.write("/proc/net/ip_vs_conn", CONNECTIONS)
        ipvs_node.parameters["DRAIN"] = "2"
        path = ipvs_node.replace_program(
            "sleep", 'echo "10.0.0.1 to 192.168.99.123" >>"$root/table"; exec /bin/sleep "$@"'
        )
        ipvs_node.succeed("stage")
        ipvs_node.succeed("activate", PATH=path)
        assert "10.0.0.1 to 192.168.99.123" in ipvs_node.path("loaded").read_text()

    def test_table_that_is_flushed_meanwhile_is_loaded_again(self, ipvs_node: FakeNode) -> None:
        ipvs_node.write("/proc/net/ip_vs_conn", CONNECTIONS)
        ipvs_node.parameters["DRAIN"] = "2"
        path = ipvs_node.replace_program(
            "sleep", '[ -e "$root/flushed" ] || mv "$root/tables" "$root/flushed"; exec /bin/sleep "$@"'
        )
        ipvs_node.succeed("stage")
        ipvs_node.succeed("activate", PATH=path)
        assert copies(ipvs_node, "flushed") == COPIES
        assert copies(ipvs_node, "tables-at-restart") == COPIES

    def test_associations_of_sctp_are_waited_for_at_a_service_address_and_at_a_node_port(
        self, ipvs_node: FakeNode
    ) -> None:
        ipvs_node.write(
            "/proc/net/ip_vs", f"{IP_VS}SCTP 0A000001:0050 rr\nSCTP C0A86365:7080 rr\nSCTP 0A630001:0050 rr\n"
        )
        ipvs_node.write("ipsets", "KUBE-NODE-PORT-SCTP-HASH 192.168.99.101,sctp:28800\n")
        ipvs_node.write("/proc/net/ip_vs_conn", SCTP_ASSOCIATIONS)
        messages = ipvs_node.deploy().stderr
        assert "open connections through IPVS that are cut: 2" in messages
        assert [line for line in ipvs_node.path("/proc/net/ip_vs").read_text().splitlines() if "SCTP" in line] == [
            "SCTP 0A630001:0050 rr"
        ]

    def test_connections_that_have_ended_are_not_waited_for(self, ipvs_node: FakeNode) -> None:
        ipvs_node.write("/proc/net/ip_vs_conn", CONNECTIONS.replace("ESTABLISHED", "SYN_SENT   "))
        ipvs_node.parameters["DRAIN"] = "60"
        assert "connections through IPVS" not in ipvs_node.deploy().stderr

    def test_drain_of_0_does_not_wait(self, ipvs_node: FakeNode) -> None:
        ipvs_node.write("/proc/net/ip_vs_conn", CONNECTIONS)
        messages = ipvs_node.deploy().stderr
        assert "waiting until" not in messages
        assert "open connections through IPVS that are cut: 4" in messages


class TestToIptables:
    """kube-proxy leaves the virtual servers of mode ipvs in place; the activation removes them."""

    @pytest.fixture
    def node_with_connections(self, between_modes: FakeNode) -> FakeNode:
        between_modes.write("tables", "")
        between_modes.write("/proc/net/ip_vs_conn", CONNECTIONS)
        between_modes.parameters["DRAIN"] = "2"
        return between_modes

    def test_open_connections_through_ipvs_are_waited_for_once_iptables_serves(
        self, node_with_connections: FakeNode
    ) -> None:
        node = node_with_connections
        set_mode(node, "iptables")
        path = node.replace_program(
            "sleep", 'cat "$root/unit/calls" "$root/kube-ipvs0" >"$root/while-waiting"; exec /bin/sleep "$@"'
        )
        node.succeed("stage")
        messages = node.succeed("activate", PATH=path).stderr
        assert "waiting for open connections through IPVS to end: 4, at most 2 s" in messages
        assert "open connections through IPVS that are cut: 4" in messages
        assert RESTART in node.path("while-waiting").read_text()
        assert not node.path("kube-ipvs0").exists()

    def test_kube_proxy_that_exits_meanwhile_is_rolled_back_and_nothing_is_cut(
        self, node_with_connections: FakeNode
    ) -> None:
        node = node_with_connections
        node.deploy()
        node.write("iptables", RECORDED)
        rules = {name: node.path(name).read_text() for name in ("kube-ipvs0", "proc/net/ip_vs")}
        set_mode(node, "iptables")
        node.parameters["DRAIN"] = "60"
        node.succeed("stage")
        path = node.replace_program(
            "sleep", 'rm -rf "$root/proc/4711"; echo failed >"$root/unit/active"; exec /bin/sleep "$@"'
        )
        began = time.monotonic()
        messages = node.fail("activate", PATH=path)
        assert time.monotonic() - began < 30
        assert "kube-proxy must stay up while connections through IPVS end, exited before" in messages
        assert "the previous generation serves again" in messages
        assert {name: node.path(name).read_text() for name in rules} == rules

    def test_those_made_by_a_mode_ipvs_that_is_rolled_back_are_waited_for(
        self, node_with_connections: FakeNode
    ) -> None:
        node = node_with_connections
        ipvs = {name: node.path(name).read_text() for name in ("kube-ipvs0", "proc/net/ip_vs")}
        set_mode(node, "iptables")
        node.deploy()
        set_mode(node, "ipvs")
        node.files["kube-proxy-config.yaml"] += "oomScoreAdj: 666\n"
        for name, text in ipvs.items():
            node.write(name, text)
        messages = node.fail_to_deploy()
        assert "the previous generation serves again" in messages
        assert "open connections through IPVS that are cut: 4" in messages
        assert not node.path("kube-ipvs0").exists()


@pytest.mark.parametrize("mode", ["ipvs", "nftables"])
class TestTableOfAnotherProgram:
    """It has the second table's name."""

    @pytest.fixture
    def changing(self, node: FakeNode, nftables_node: FakeNode, mode: str) -> FakeNode:
        if mode == "nftables":
            set_mode(node, "ipvs")
            node.deploy()
        node.write("table", "\t\telements = { 10.0.0.1 . tcp . 443 : goto service }\n")
        node.write("tables", f"{node.path('tables').read_text()}table ip kube-proxy-handover\n")
        set_mode(node, mode)
        node.systemctl_calls()
        return nftables_node

    def test_is_found_by_preflight(self, changing: FakeNode) -> None:
        assert "no other program may have an nftables table kube-proxy-handover" in changing.problems()[0]

    def test_is_neither_used_nor_deleted(self, changing: FakeNode) -> None:
        assert "no other program may have an nftables table kube-proxy-handover" in changing.fail_to_deploy()
        assert changing.systemctl_calls() == []
        assert left(changing) == ["table ip kube-proxy-handover"]


class TestPreflight:
    @pytest.fixture
    def bare_node(self, node: FakeNode) -> FakeNode:
        """A node with an old systemd and an old ip, in mode ipvs, and whose stack says nftables."""
        set_mode(node, "nftables")
        node.write("systemd-version", "239")
        node.write("old-ip", "")
        node.path("/lib/systemd/systemd-socket-proxyd").unlink()
        return node

    def test_change_to_nftables_needs_what_makes_the_rules(self, bare_node: FakeNode) -> None:
        messages = bare_node.problems()
        assert [message.split(",")[0] for message in messages[:3]] == [
            "ip netns must work",
            "systemd-socket-proxyd must be installed",
            "systemd must be version 242 or newer",
        ]
        for message in messages[:3]:
            assert "or set handover: false in kube-proxy:rollout, and new connections fail while the mode" in message

    def test_nothing_is_needed_without_a_handover(self, bare_node: FakeNode) -> None:
        bare_node.parameters["HANDOVER"] = "false"
        bare_node.succeed("preflight")

    def test_nothing_is_needed_without_rules_of_another_mode(self, bare_node: FakeNode) -> None:
        bare_node.path("/kube-ipvs0").unlink()
        bare_node.path("/proc/net/ip_vs").unlink()
        bare_node.succeed("preflight")


class TestLeftByAnInterruptedRun:
    @pytest.fixture
    def interrupted(self, nftables_node: FakeNode) -> FakeNode:
        nftables_node.write("tables", nftables_node.path("tables").read_text() + "\n".join(COPIES) + "\n")
        nftables_node.path("/run/kube-proxy-handover").mkdir()
        nftables_node.write("detached", "kube-proxy-handover-guard --on-active=60\n")
        return nftables_node

    def test_next_activation_removes_it(self, interrupted: FakeNode) -> None:
        interrupted.deploy()
        assert left(interrupted) == []

    def test_removal_removes_it(self, interrupted: FakeNode) -> None:
        interrupted.succeed("remove")
        assert left(interrupted) == []

    def test_guard_removes_it(self, interrupted: FakeNode) -> None:
        interrupted.run_installed(interrupted.path("/var/lib/kube-proxy-generations/recover"), "handover")
        assert left(interrupted) == []
        assert "table ip kube-proxy\n" in interrupted.path("tables").read_text()
