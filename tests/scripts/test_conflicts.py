"""Preflight finds other programs on the node that would conflict with kube-proxy or delete its rules."""

import pytest

from tests.scripts.fake_node import FakeNode

READY = ["ready for kube-proxy 1.36.2 in mode ipvs"]


def start_process(node: FakeNode, pid: int, name: str, group: str, arguments: str = "") -> None:
    node.write(f"/proc/{pid}/comm", f"{name}\n")
    node.write(f"/proc/{pid}/cgroup", f"0::{group}\n")
    node.write(f"/proc/{pid}/cmdline", arguments.replace(" ", "\0"))


class TestOtherKubeProxy:
    @pytest.mark.parametrize(
        ("group", "way_out"),
        [
            (
                "/kubepods.slice/kubepods-besteffort.slice/cri-containerd-0123.scope",
                "remove its DaemonSet (kubectl -n kube-system delete daemonset kube-proxy)",
            ),
            ("/system.slice/kube-proxy-old.service", "systemctl disable --now kube-proxy-old.service"),
            ("/user.slice/session-1.scope", "stop it"),
        ],
    )
    def test_other_kube_proxy_is_reported_with_the_way_to_stop_it(
        self, node: FakeNode, group: str, way_out: str
    ) -> None:
        start_process(node, 42, "kube-proxy", group)
        message = f"no other kube-proxy may run on this node, found process 42 ({group}): {way_out}"
        assert node.problems()[0] == message

    def test_our_own_kube_proxy_is_no_conflict(self, node: FakeNode) -> None:
        node.deploy()
        start_process(node, 4711, "kube-proxy", "/system.slice/kube-proxy.service")
        assert node.preflight_messages() == READY

    def test_k3s_must_run_without_its_kube_proxy(self, node: FakeNode) -> None:
        k3s = "/usr/local/bin/k3s agent"
        start_process(node, 42, "k3s-agent", "/system.slice/k3s-agent.service", k3s)
        assert node.problems()[0].endswith("k3s has one built in: start k3s with --disable-kube-proxy")
        start_process(node, 42, "k3s-agent", "/system.slice/k3s-agent.service", f"{k3s} --disable-kube-proxy")
        assert node.preflight_messages() == READY


class TestPorts:
    def test_kube_proxys_own_listeners_are_no_conflict(self, node: FakeNode) -> None:
        node.deploy()
        node.succeed("preflight")

    @pytest.mark.parametrize(
        ("healthz", "other", "free"),
        [
            ("192.168.99.101:10256", "*:10256", False),
            ("192.168.99.101:10256", "0.0.0.0:10256", False),
            ("192.168.99.101:10256", "[::]:10256", True),
            ("192.168.99.101:10256", "127.0.0.1:10256", True),
            ("[fd00:99::101]:10256", "*:10256", False),
            ("[fd00:99::101]:10256", "[::]:10256", False),
            ("[fd00:99::101]:10256", "0.0.0.0:10256", True),
            ("[fd00:99::101]:10256", "[fd00:99::101]:10256", False),
            ("[fd00:99::101]:10256", "[fd00:99::1]:10256", True),
            ("0.0.0.0:10256", "127.0.0.1:10256", False),
            ("[::]:10256", "192.168.99.101:10256", False),
            ("[::]:10256", "192.168.99.101:1025", True),
        ],
    )
    def test_port_is_in_use_if_address_families_overlap(
        self, node: FakeNode, healthz: str, other: str, free: bool
    ) -> None:
        node.parameters["HEALTHZ"] = healthz
        node.write("listeners", f'LISTEN 0 4096 {other} *:* users:(("nginx",pid=99,fd=3))\n')
        done = node.run("preflight")
        assert (done.returncode == 0) is free
        assert (f"port {healthz} must be free for kube-proxy, is in use by " in done.stderr) is not free


class TestFirewallManagers:
    @pytest.mark.parametrize("unit", ["firewalld", "netfilter-persistent"])
    def test_firewall_manager_that_deletes_rules_gives_a_warning(self, node: FakeNode, unit: str) -> None:
        node.write("active-units", f"{unit}.service\n")
        warning, *rest = node.preflight_messages()
        assert warning.startswith(f"warning: {unit} deletes kube-proxy's rules when it restarts or reloads: ")
        assert rest == READY

    def test_nftables_service_gives_a_warning_only_if_it_flushes_the_ruleset(self, node: FakeNode) -> None:
        node.write("active-units", "nftables.service\n")
        assert node.preflight_messages() == READY
        node.write("/etc/nftables.conf", "#!/usr/sbin/nft -f\n\nflush ruleset\n")
        assert node.preflight_messages()[0].startswith("warning: nftables deletes kube-proxy's rules")


class TestForeignVirtualServers:
    """kube-proxy deletes them when it starts in mode nftables, and at each synchronization in mode ipvs."""

    def test_mode_nftables_must_not_delete_foreign_virtual_servers(self, between_modes: FakeNode) -> None:
        between_modes.parameters["MODE"] = "nftables"
        assert (
            "IPVS virtual servers of other programs must be kept: in mode nftables kube-proxy would remove 2 of them "
            "(TCP 10.99.0.1:80,FWM 00000007): choose mode iptables, or mode ipvs with ipvs.excludeCIDRs, or allow it "
            "with removeForeignVirtualServers: true in kube-proxy:rollout" in between_modes.fail("preflight")
        )

    def test_mode_ipvs_must_not_delete_foreign_virtual_servers_outside_exclude_cidrs(
        self, between_modes: FakeNode
    ) -> None:
        message = "in mode ipvs kube-proxy would remove 1 of them (TCP 10.99.0.1:80): add their addresses to"
        assert message in between_modes.fail("preflight")
        between_modes.parameters["EXCLUDE_CIDRS"] = "FD000000000000000000000000000000/8 0A600000/12"
        between_modes.succeed("preflight")
        between_modes.parameters["EXCLUDE_CIDRS"] = "0A620000/16"
        between_modes.fail("preflight")

    def test_stack_can_allow_the_deletion_of_foreign_virtual_servers(self, between_modes: FakeNode) -> None:
        between_modes.parameters |= {"MODE": "nftables", "REMOVE_FOREIGN_VIRTUAL_SERVERS": "true"}
        between_modes.succeed("preflight")

    def test_mode_iptables_keeps_foreign_virtual_servers(self, between_modes: FakeNode) -> None:
        between_modes.parameters["MODE"] = "iptables"
        between_modes.succeed("preflight")
