"""Removal stops kube-proxy and removes everything that the other stages have put on the node, and nothing else."""

from tests.scripts import families
from tests.scripts.fake_node import STATE, FakeNode


def test_removal_stops_kube_proxy_and_deletes_all_our_files(node: FakeNode) -> None:
    node.deploy()
    node.systemctl_calls()
    done = node.succeed("remove")
    assert node.live_files() == {}
    assert not node.path(STATE).exists()
    assert not node.path("/opt/k8s").exists()
    assert "kube-proxy is stopped and disabled, its files and rules are removed\n" in done.stderr
    assert node.systemctl_calls() == [
        "disable --quiet --now kube-proxy.service",
        "daemon-reload",
        "reset-failed kube-proxy.service",
    ]
    node.succeed("remove")


def test_removal_restores_the_binary_that_was_there_before(node: FakeNode) -> None:
    node.write("/usr/local/bin/kube-proxy", "#!/bin/sh\necho own\n")
    node.deploy()
    node.succeed("remove")
    assert node.live_files() == {"usr/local/bin/kube-proxy": ("#!/bin/sh\necho own\n", 0o644)}


def test_removal_keeps_a_preinstalled_binary(node: FakeNode) -> None:
    node.parameters["BINARY_SOURCE"] = "preinstalled"
    node.install_binary()
    node.deploy()
    node.succeed("remove")
    assert list(node.live_files()) == ["usr/local/bin/kube-proxy"]


def test_removal_of_a_nodes_old_name_changes_nothing_on_the_renamed_node(node: FakeNode) -> None:
    node.deploy()
    before = node.live_files()
    node.parameters["NODE"] = "k8s-node01-old"
    done = node.succeed("remove")
    assert (
        "this host now serves as node k8s-node01 of stack organization/kube-proxy/prod: nothing was removed"
        in done.stderr
    )
    assert node.live_files() == before


def test_removal_deletes_virtual_servers_of_both_families_and_keeps_foreign_ones(dual_stack_node: FakeNode) -> None:
    node = dual_stack_node
    head, _, _ = node.path("/proc/net/ip_vs").read_text().partition("TCP")
    foreign = families.IP_VS.replace("fd00:0010:", "fd00:0098:")
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text() + foreign)
    node.succeed("remove")
    assert node.path("/proc/net/ip_vs").read_text() == head + foreign


def test_removal_reports_virtual_servers_that_stay_and_the_next_one_removes_them(dual_stack_node: FakeNode) -> None:
    node = dual_stack_node
    head, _, _ = node.path("/proc/net/ip_vs").read_text().partition("TCP")
    servers = ["TCP  0A000001:01BB", "UDP  0A000001:0035", "TCP  0A000001:0050", "TCP  C0A86365:7580"]
    node.write("/ipsets", "KUBE-NODE-PORT-TCP 30080\n")
    node.write("/proc/net/ip_vs", head + "".join(f"{server} rr\n" for server in servers))
    node.write("/stuck-servers", "10.0.0.1:443\n10.0.0.1:80\n192.168.99.101:30080\n")
    done = node.succeed("remove")
    assert node.path("/proc/net/ip_vs").read_text().splitlines()[3:] == [f"{servers[n]} rr" for n in (0, 2, 3)]
    assert "except virtual servers (3, such as TCP 10.0.0.1:443): Memory allocation problem; fix that" in done.stderr
    node.path("/stuck-servers").unlink()
    node.succeed("remove")
    assert node.path("/proc/net/ip_vs").read_text() == head
