"""Preflight finds whoever else on the node would fight with kube-proxy or wipe its rules."""

import pytest

from tests.scripts.fake_node import FakeNode


def process(node: FakeNode, pid: int, name: str, group: str, arguments: str = "") -> None:
    node.write(f"/proc/{pid}/comm", f"{name}\n")
    node.write(f"/proc/{pid}/cgroup", f"0::{group}\n")
    node.write(f"/proc/{pid}/cmdline", arguments.replace(" ", "\0"))


def said(node: FakeNode, status: int) -> list[str]:
    done = node.run("preflight")
    assert done.returncode == status, done.stderr
    return [line.removeprefix("k8s-node01: preflight: ") for line in done.stderr.splitlines()]


class TestAnotherKubeProxy:
    @pytest.mark.parametrize(
        ("group", "way"),
        [
            (
                "/kubepods.slice/kubepods-besteffort.slice/cri-containerd-0123.scope",
                "remove its DaemonSet (kubectl -n kube-system delete daemonset kube-proxy)",
            ),
            ("/system.slice/kube-proxy-old.service", "systemctl disable --now kube-proxy-old.service"),
            ("/user.slice/session-1.scope", "stop it"),
        ],
    )
    def test_is_named_with_the_way_to_end_it(self, node: FakeNode, group: str, way: str) -> None:
        process(node, 42, "kube-proxy", group)
        assert said(node, 1)[0] == f"no other kube-proxy may run on this node, found process 42 ({group}): {way}"

    def test_our_own_is_none(self, node: FakeNode) -> None:
        assert node.deploy().returncode == 0
        process(node, 4711, "kube-proxy", "/system.slice/kube-proxy.service")
        assert said(node, 0) == ["ready for kube-proxy 1.36.2 in mode ipvs"]

    def test_k3s_has_one_unless_it_was_told_not_to(self, node: FakeNode) -> None:
        process(node, 42, "k3s-agent", "/system.slice/k3s-agent.service", "/usr/local/bin/k3s agent")
        assert said(node, 1)[0].endswith("k3s has one built in: start k3s with --disable-kube-proxy")
        process(
            node, 42, "k3s-agent", "/system.slice/k3s-agent.service", "/usr/local/bin/k3s agent --disable-kube-proxy"
        )
        assert said(node, 0) == ["ready for kube-proxy 1.36.2 in mode ipvs"]


class TestWarnings:
    """They block nothing."""

    @pytest.mark.parametrize("unit", ["firewalld", "netfilter-persistent"])
    def test_a_firewall_manager_that_wipes_rules(self, node: FakeNode, unit: str) -> None:
        node.write("active-units", f"{unit}.service\n")
        assert said(node, 0)[0].startswith(f"warning: {unit} deletes kube-proxy's rules when it restarts or reloads: ")

    def test_nftables_service_where_it_flushes_the_ruleset(self, node: FakeNode) -> None:
        node.write("active-units", "nftables.service\n")
        assert len(said(node, 0)) == 1
        node.write("/etc/nftables.conf", "#!/usr/sbin/nft -f\n\nflush ruleset\n")
        assert said(node, 0)[0].startswith("warning: nftables deletes kube-proxy's rules")

    @pytest.mark.parametrize(("mode", "warned"), [("iptables", True), ("nftables", True), ("ipvs", False)])
    def test_forwarding_that_is_off_and_that_kube_proxy_does_not_turn_on(
        self, node: FakeNode, mode: str, warned: bool
    ) -> None:
        node.path("/kube-ipvs0").unlink()
        node.write("/proc/net/ip_vs", "")
        node.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        node.parameters["MODE"] = mode
        assert said(node, 0)[0].startswith("warning: net.ipv4.ip_forward is 0") is warned

    def test_a_bridge_of_pods_whose_traffic_iptables_does_not_see(self, node: FakeNode) -> None:
        node.path("/sys/class/net/cni0/bridge").mkdir(parents=True)
        assert said(node, 0)[0].startswith(
            "warning: pods on the bridge cni0 can't reach each other through IPv4 Services"
        )
        node.write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n")
        assert len(said(node, 0)) == 1


class TestTheSystemItself:
    @pytest.mark.parametrize(
        ("clock", "off"), [("1 hour ago", "s ahead of the API server's"), ("1 hour", "s behind the API server's")]
    )
    def test_a_clock_that_is_off_is_refused(self, node: FakeNode, clock: str, off: str) -> None:
        node.write("api-clock", clock)
        line = said(node, 1)[0]
        assert line.startswith("the node's clock must be right, is 3")
        assert off in line

    def test_a_systemd_that_lacks_what_is_asked_of_it_is_refused(self, node: FakeNode) -> None:
        node.write("systemd-version", "219")
        assert said(node, 1)[0].startswith("systemd must be version 235 or newer, is 219: ")
