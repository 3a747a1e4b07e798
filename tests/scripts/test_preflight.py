"""Preflight reports everything that a node lacks at once, with the way out, and changes nothing."""

import os

import pytest

from tests.scripts.fake_node import BINARY_SHA256, FakeNode


def test_ready_node_is_reported_and_not_changed(node: FakeNode) -> None:
    before = sorted(path for path in node.root.rglob("*") if "run" not in path.parts)
    done = node.succeed("preflight")
    assert done.stderr == "k8s-node01: preflight: ready for kube-proxy 1.36.2 in mode ipvs\n"
    assert sorted(path for path in node.root.rglob("*") if "run" not in path.parts) == before


def test_all_problems_are_reported_at_once(node: FakeNode) -> None:
    node.write("missing-modules", "ip_vs\nnf_conntrack\n")
    node.write("listeners", 'LISTEN 0 4096 *:10256 *:* users:(("ng\x1binx",pid=99,fd=3))\n')
    node.parameters["BINARY_SHA256"] = ""
    messages = node.problems()
    assert [message.split(":")[0] for message in messages[:2]] == [
        "kernel module nf_conntrack must be available for mode ipvs",
        "kernel module ip_vs must be available for mode ipvs",
    ]
    assert messages[2:4] == [
        'port 192.168.99.101:10256 must be free for kube-proxy, is in use by "nginx",pid=99,fd=3: '
        "stop that process, or choose another port in kube-proxy:configuration",
        "binary.sha256 of kube-proxy:binary must have a digest for this node's architecture: add one for amd64",
    ]
    assert messages[4].startswith("4 of this node's requirements are not met (see above); nothing was changed;")


class TestSystem:
    def test_systemd_must_have_the_properties_that_are_asked_for(self, node: FakeNode) -> None:
        node.write("systemd-version", "219")
        assert node.problems()[0].startswith("systemd must be version 235 or newer, is 219: ")

    @pytest.mark.parametrize(
        ("clock", "difference"),
        [("1 hour ago", "s ahead of the API server's"), ("1 hour", "s behind the API server's")],
    )
    def test_clock_must_agree_with_the_api_server(self, node: FakeNode, clock: str, difference: str) -> None:
        node.write("api-clock", clock)
        message = node.problems()[0]
        assert message.startswith("the node's clock must be right, is 3")
        assert difference in message

    @pytest.mark.parametrize("date", ["Thu", "$(id)", "Thu, 99 Foo 2026 99:99:99 GMT", "1 GMT"])
    def test_date_that_is_none_is_ignored(self, node: FakeNode, date: str) -> None:
        node.write("api-date", date)
        node.succeed("preflight")


class TestProgramsAndModules:
    def test_programs_must_be_new_enough(self, node: FakeNode) -> None:
        node.write("iptables-version", "1.6.1")
        node.write("ipset-version", "4.5")
        messages = node.fail("preflight")
        assert (
            "mode ipvs needs iptables 1.6.2 or newer, this node has 1.6.1: upgrade the package iptables (its name on Debian)"
            in messages
        )
        assert (
            "mode ipvs needs ipset 6.0 or newer, this node has 4.5: upgrade the package ipset (its name on Debian)"
            in messages
        )

    @pytest.mark.parametrize(
        ("release", "problem"),
        [
            (
                "5.10.0-30-amd64",
                "mode nftables needs Linux 5.13 or newer, this node has 5.10.0-30-amd64: upgrade the kernel",
            ),
            ("6.1.0-44-amd64", ""),
        ],
    )
    def test_mode_nftables_needs_linux_5_13(self, node: FakeNode, release: str, problem: str) -> None:
        node.replace_program("nft", "echo 'nftables v1.0.6 (Lester Gooch #5)'")
        path = node.replace_program("uname", f"case $1 in -m) echo x86_64 ;; *) echo {release} ;; esac")
        node.parameters["MODE"] = "nftables"
        done = node.run("preflight", PATH=path)
        assert (done.returncode == 0) is (problem == "")
        assert problem in done.stderr

    def test_module_must_not_be_disabled_in_modprobe_d(self, node: FakeNode) -> None:
        """modprobe's dry run succeeds for a disabled module, and nothing is loaded."""
        node.write("disabled-modules", "ip_vs_rr\n")
        assert node.problems()[0] == (
            "kernel module ip_vs_rr must be loadable for mode ipvs, is disabled: remove its 'install' line "
            "(grep -rw ip_vs_rr /etc/modprobe.d)"
        )

    @pytest.mark.parametrize(
        ("os_release", "way_out"),
        [
            ("ID=debian", "apt-get install iptables"),
            ("ID=linuxmint\nID_LIKE='ubuntu debian'", "apt-get install iptables"),
            ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install iptables"),
            ('ID="sles"\nID_LIKE="suse"', "zypper install iptables"),
            ("ID=arch", "pacman -S iptables"),
            ("ID=nixos", "its name on Debian"),
        ],
    )
    def test_way_out_has_the_distributions_command(self, node: FakeNode, os_release: str, way_out: str) -> None:
        node.write("/etc/os-release", f"{os_release}\n")
        node.write("iptables-version", "1.6.1")
        assert f"this node has 1.6.1: upgrade the package iptables ({way_out})" in node.fail("preflight")

    def test_way_out_of_an_image_with_a_read_only_usr_is_the_images_own_command(self, node: FakeNode) -> None:
        node.write("iptables-version", "1.6.1")
        node.write("/etc/os-release", "ID=fedora\nVARIANT_ID=coreos\n")
        node.write("/run/ostree-booted", "")
        assert "iptables (rpm-ostree install iptables, then reboot; or make it part of the image)" in node.fail(
            "preflight"
        )
        node.write("/etc/os-release", 'ID="opensuse-microos"\nID_LIKE="suse opensuse opensuse-tumbleweed"\n')
        path = node.replace_program("transactional-update", ":")
        assert "iptables (transactional-update pkg install iptables, then reboot)" in node.fail("preflight", PATH=path)

    @pytest.mark.parametrize(
        ("os_release", "way_out"),
        [
            ("ID=debian", "linux-image-amd64 (apt-get install linux-image-amd64)"),
            ("ID=ubuntu\nID_LIKE=debian", "linux-modules-extra-6.8.0 (apt-get install linux-modules-extra-6.8.0)"),
            ('ID="almalinux"\nID_LIKE="rhel centos fedora"', "kernel-modules-6.8.0 (dnf install kernel-modules-6.8.0)"),
            ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "kernel-default (zypper install kernel-default)"),
            ("ID=nixos", "linux-image (its name on Debian)"),
        ],
    )
    def test_way_out_of_a_missing_module_is_the_distributions_package(
        self, node: FakeNode, os_release: str, way_out: str
    ) -> None:
        node.write("/etc/os-release", f"{os_release}\n")
        node.write("missing-modules", "ip_vs\n")
        path = node.replace_program("uname", "case $1 in -m) echo x86_64 ;; *) echo 6.8.0 ;; esac")
        assert f"the modules of kernel 6.8.0, which a cloud or minimal kernel may lack: {way_out}\n" in node.fail(
            "preflight", PATH=path
        )

    @pytest.mark.parametrize("place", ["/sys/module/ip_vs/x", "/lib/modules/6.1.0-44-amd64/modules.builtin"])
    def test_module_that_is_loaded_or_part_of_the_kernel_need_not_be_known_to_modprobe(
        self, node: FakeNode, place: str
    ) -> None:
        node.write("missing-modules", "ip_vs\n")
        path = node.replace_program("uname", "case $1 in -m) echo x86_64 ;; *) echo 6.1.0-44-amd64 ;; esac")
        assert node.run("preflight", PATH=path).returncode == 1
        node.write(place, "kernel/net/netfilter/ipvs/ip_vs.ko\n")
        node.succeed("preflight", PATH=path)
        node.succeed("stage", PATH=path)


class TestFiles:
    @pytest.mark.parametrize("directory", ["/var/lib", "/usr/local/bin"])
    def test_binary_must_be_allowed_to_run(self, node: FakeNode, directory: str) -> None:
        path = node.replace_program("chmod", f'case $2 in *{directory}/*) ;; *) exec /bin/chmod "$@" ;; esac')
        assert f"{directory} must allow programs to run, is it mounted noexec?" in node.fail("preflight", PATH=path)

    def test_live_file_must_be_a_file(self, node: FakeNode) -> None:
        node.path("/etc/kubernetes/kube-proxy.conf").mkdir(parents=True)
        pipes = ("/etc/kubernetes/kube-proxy-config.yaml", "/etc/modules-load.d/kube-proxy.conf")
        for path in pipes:
            node.path(path).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(node.path(path))
        messages = node.fail("preflight")
        assert (
            "/etc/kubernetes/kube-proxy.conf must be a file or a symbolic link, is a directory: move it away"
            in messages
        )
        for path in pipes:
            assert f"{path} must be a file or a symbolic link, is a fifo" in messages

    def test_file_system_of_unknown_size_is_reported_with_all_other_problems(self, node: FakeNode) -> None:
        messages = node.fail("preflight", PATH=node.replace_program("df", "exit 1"))
        assert "must have 1024 KiB free, has 0 KiB" in messages
        assert "of this node's requirements are not met (see above)" in messages

    def test_live_file_must_be_replaceable(self, node: FakeNode) -> None:
        node.deploy()
        node.write("/proc/self/mountinfo", "36 29 8:1 /x /etc/kubernetes/kube-proxy.conf rw - ext4 /dev/vda1 rw\n")
        attributes = (
            "shift; for file; do case $file in "
            '*/kube-proxy) echo "----i---------e------- $file" ;; *) echo "--------------e------- $file" ;; esac; done'
        )
        messages = node.fail("preflight", PATH=node.replace_program("lsattr", attributes))
        path = "/etc/kubernetes/kube-proxy.conf"
        assert f"{path} must be replaceable, is a mount point: run umount {path}\n" in messages
        path = "/usr/local/bin/kube-proxy"
        assert f"{path} must be replaceable, is immutable: run chattr -i -a {path}\n" in messages
        assert "2 of this node's requirements" in messages


def test_preinstalled_binary_must_exist_and_have_the_stacks_version(node: FakeNode) -> None:
    node.parameters["BINARY_SOURCE"] = "preinstalled"
    assert "must be an executable file (binary.source is preinstalled)" in node.fail("preflight")
    node.install_binary("1.35.1")
    assert "must be version 1.36.2, reports 'Kubernetes v1.35.1'" in node.fail("preflight")


class TestPreinstalledBinary:
    @pytest.fixture
    def preinstalled(self, node: FakeNode) -> FakeNode:
        node.parameters |= {"BINARY_SOURCE": "preinstalled", "BINARY_SHA256": ""}
        node.install_binary()
        node.succeed("preflight")
        return node

    def test_it_must_have_the_pinned_digest(self, preinstalled: FakeNode) -> None:
        preinstalled.parameters["BINARY_SHA256"] = f"amd64={BINARY_SHA256} arm64={BINARY_SHA256}"
        preinstalled.succeed("preflight")
        other = "0" * 64
        preinstalled.parameters["BINARY_SHA256"] = f"amd64={other} arm64={other}"
        assert preinstalled.problems()[0] == (
            f"{preinstalled.root}/usr/local/bin/kube-proxy must have the pinned SHA-256 {other}, has {BINARY_SHA256}: "
            "install the binary that binary.sha256 of kube-proxy:binary pins, or change the digest"
        )

    def test_its_digest_must_be_pinned_for_the_nodes_architecture_if_one_is(self, preinstalled: FakeNode) -> None:
        preinstalled.parameters["BINARY_SHA256"] = f"s390x={BINARY_SHA256}"
        assert preinstalled.problems()[0].startswith("binary.sha256 of kube-proxy:binary must have a digest for this")

    @pytest.mark.parametrize("path", ["usr/local/bin/kube-proxy", "usr/local/bin", "usr"])
    def test_only_root_may_write_it_and_the_directories_on_the_way(self, preinstalled: FakeNode, path: str) -> None:
        """It is not even asked for its version."""
        where = preinstalled.path(path)
        where.chmod(0o757)
        preinstalled.path("usr/local/bin/kube-proxy").write_text("#!/bin/sh\ntouch $root/was-run\n")
        binary = preinstalled.path("usr/local/bin/kube-proxy")
        assert preinstalled.problems() == [
            f"only root may be able to write {binary} and the directories on the way to it (binary.source is preinstalled): "
            f"run chown root:root {where} && chmod go-w {where}",
            "1 of this node's requirements are not met (see above); nothing was changed; fix them, then run pulumi up again",
        ]
        assert not preinstalled.path("was-run").exists()

    @pytest.mark.parametrize("target", ["/opt/links/second", "../../../opt/links/second"])
    def test_links_on_the_way_are_followed_one_by_one(self, preinstalled: FakeNode, target: str) -> None:
        binary, links = preinstalled.path("usr/local/bin/kube-proxy"), preinstalled.path("opt/links")
        links.mkdir(parents=True)
        preinstalled.path("opt/bin").mkdir()
        binary.rename(preinstalled.path("opt/bin/kube-proxy"))
        (links / "second").symlink_to("../bin/kube-proxy")
        binary.symlink_to(f"{preinstalled.root}{target}" if target.startswith("/") else target)
        preinstalled.succeed("preflight")
        links.chmod(0o757)
        assert f"chmod go-w {links}\n" in preinstalled.fail("preflight")


class TestKernelSettings:
    def test_ipv6_must_be_enabled_if_the_cluster_has_it(self, dual_stack_node: FakeNode) -> None:
        dual_stack_node.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n")
        message = "IPv6 must be enabled for the cluster's pods and Services, is disabled: run sysctl -w net.ipv6."
        assert message in dual_stack_node.fail("preflight")
        dual_stack_node.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n")
        dual_stack_node.succeed("preflight")
        dual_stack_node.path("/proc/net/if_inet6").unlink()
        dual_stack_node.fail("preflight")

    @pytest.mark.parametrize(("mode", "warned"), [("iptables", True), ("nftables", True), ("ipvs", False)])
    def test_disabled_forwarding_gives_a_warning_unless_kube_proxy_enables_it(
        self, node: FakeNode, mode: str, warned: bool
    ) -> None:
        node.path("/kube-ipvs0").unlink()
        node.write("/proc/net/ip_vs", "")
        node.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        node.parameters["MODE"] = mode
        assert node.preflight_messages()[0].startswith("warning: net.ipv4.ip_forward is 0") is warned

    def test_forwarding_is_checked_for_each_family(self, dual_stack_node: FakeNode) -> None:
        dual_stack_node.parameters["MODE"] = "iptables"
        dual_stack_node.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        dual_stack_node.write("/proc/sys/net/ipv6/conf/all/forwarding", "0\n")
        assert [message.split(",")[0] for message in dual_stack_node.preflight_messages()[:2]] == [
            "warning: net.ipv4.ip_forward is 0",
            "warning: net.ipv6.conf.all.forwarding is 0",
        ]

    def test_bridge_whose_traffic_bypasses_iptables_gives_a_warning(self, node: FakeNode) -> None:
        node.path("/sys/class/net/cni0/bridge").mkdir(parents=True)
        message = "warning: pods on the bridge cni0 can't reach each other through IPv4 Services"
        assert node.preflight_messages()[0].startswith(message)
        node.write("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n")
        assert len(node.preflight_messages()) == 1


class TestWayFromIPVSWithoutClusterCIDR:
    """The node's own requests have Service addresses as their source while kube-ipvs0 has them."""

    @pytest.fixture
    def unknown(self, node: FakeNode) -> FakeNode:
        """A node on which kube-proxy serves in mode ipvs and can't tell what is local."""
        node.deploy()
        node.parameters["MASQUERADED_FAMILIES"] = ""
        return node

    @pytest.mark.parametrize(("mode", "handover"), [("iptables", "true"), ("nftables", "false")])
    def test_is_refused_where_no_second_table_helps(self, unknown: FakeNode, mode: str, handover: str) -> None:
        unknown.parameters |= {"MODE": mode, "HANDOVER": handover}
        problem = unknown.problems()[0]
        assert problem.startswith(
            f"the change from mode ipvs to {mode} needs the pods' IPv4 addresses, or the node's own requests to Services get no "
            f"answer meanwhile: set cluster.clusterCIDR, another detectLocalMode or {mode}.masqueradeAll"
        )
        assert problem.endswith(", or handover: true in kube-proxy:rollout") == (mode == "nftables")

    @pytest.mark.parametrize("mode", ["ipvs", "nftables"])
    def test_is_open_in_mode_ipvs_and_with_a_second_table(self, unknown: FakeNode, mode: str) -> None:
        unknown.parameters["MODE"] = mode
        assert f"ready for kube-proxy 1.36.2 in mode {mode}" in unknown.preflight_messages()

    def test_is_open_to_a_change_that_was_cut_off(self, unknown: FakeNode) -> None:
        unknown.write("tables", "table ip kube-proxy\n")
        unknown.parameters["MODE"] = "nftables"
        assert "ready for kube-proxy 1.36.2 in mode nftables" in unknown.preflight_messages()

    def test_is_no_problem_once_kube_ipvs0_is_gone(self, unknown: FakeNode) -> None:
        unknown.path("/kube-ipvs0").unlink()
        unknown.parameters["MODE"] = "iptables"
        assert "ready for kube-proxy 1.36.2 in mode iptables" in unknown.preflight_messages()
