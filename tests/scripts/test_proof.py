"""An activation succeeds only if kube-proxy demonstrably serves: in its mode, with the API's endpoints, for pods too."""

import shutil

import pytest

from components import report
from tests.scripts import families
from tests.scripts.fake_node import CONFIGURATION, PROGRAMS, RESTART, FakeNode


def test_virtual_server_must_have_exactly_the_endpoints_in_the_api(node: FakeNode) -> None:
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text().replace("C0A8637A", "C0A8637B"))
    assert (
        "the IPVS virtual server must be 'TCP 10.0.0.1:443 192.168.99.121:6443 192.168.99.122:6443 ' as in the API, "
        "its real servers are '192.168.99.121:6443 192.168.99.123:6443 '" in node.fail_to_deploy()
    )


def test_kube_ipvs0_must_have_the_service_address(node: FakeNode) -> None:
    """Without it the node's own request to the Service is answered, but not those of its pods."""
    node.write("/kube-ipvs0", "10.0.0.10\n")
    message = "kube-ipvs0 must have the Service address 10.0.0.1, or pods can't reach the Service"
    assert message in node.fail_to_deploy()


def test_process_must_have_the_new_version(node: FakeNode) -> None:
    node.deploy()
    node.files["kube-proxy.conf"] += "#\n"
    node.write("running-version", "1.35.1\n")
    messages = node.fail_to_deploy()
    assert "http://192.168.99.101:10249/metrics must report kube-proxy 1.36.2, reports '1.35.1'" in messages
    assert "the previous generation serves again" in messages, "the previous generation may have any version"


def test_one_lost_request_while_kube_proxy_stays_up_is_tolerated(node: FakeNode) -> None:
    node.parameters["MIN_READY"] = "1"
    node.write("unanswered", "2")
    node.deploy()
    assert len(node.path("tried").read_text().splitlines()) == 3


def test_one_proof_is_enough_without_min_ready_seconds(node: FakeNode) -> None:
    node.deploy()
    assert len(node.path("tried").read_text().splitlines()) == 1


def test_nothing_is_asked_before_kube_proxy_listens(node: FakeNode) -> None:
    """Each request would take the processor that kube-proxy needs to start."""
    node.write("requests", "")
    node.succeed("stage")
    messages = node.fail("activate", PATH=node.replace_program("ss", ":"))
    assert "http://192.168.99.101:10256/livez must answer 200, doesn't answer" in messages
    assert "livez" not in node.path("requests").read_text()


def test_healthz_is_asked_where_ss_fails(node: FakeNode) -> None:
    node.write("requests", "")
    node.succeed("stage")
    messages = node.fail("activate", PATH=node.replace_program("ss", "exit 255"))
    assert "must listen on 192.168.99.101:10256" in messages
    assert "10256/livez" in node.path("requests").read_text()


def test_listener_whose_name_looks_like_kube_proxys_process_is_not_its_own(node: FakeNode) -> None:
    lines = (
        'LISTEN 0 4096 192.168.99.101:10256 0.0.0.0:* users:(("kube-proxy",pid=4711,fd=8))',
        'LISTEN 0 4096 192.168.99.101:10249 0.0.0.0:* users:(("",pid=4711,fd=8))",pid=999,fd=3)) ',
    )
    printed = "\n".join(f"echo '{line}'" for line in lines)
    node.succeed("stage")
    messages = node.fail("activate", PATH=node.replace_program("ss", printed))
    assert "kube-proxy (process 4711) must listen on 192.168.99.101:10249" in messages


@pytest.mark.parametrize("port", ["10249", "10256"])
def test_answer_without_end_fills_no_memory(node: FakeNode, port: str) -> None:
    node.succeed("stage")
    largest = 65536 * 1024
    path = node.replace_program(
        "curl",
        f'case $* in *:{port}*) head -c {largest * 2} /dev/zero >livez || {{ ls -l livez >"$root/left"; exit 23; }} ;; esac\n'
        f'exec {PROGRAMS}/curl "$@"',
    )
    node.fail("activate", PATH=path)
    assert int(node.path("left").read_text().split()[4]) <= largest


def test_node_must_still_serve_after_rules_of_another_mode_are_removed(between_modes: FakeNode) -> None:
    assert "removed leftovers of another mode" in between_modes.deploy().stderr
    assert len(between_modes.path("tried").read_text().splitlines()) == 2


class TestIPv6Cluster:
    def test_node_is_proven_by_its_ipv6_service(self, ipv6_node: FakeNode) -> None:
        assert report.parse("k8s-node01", ipv6_node.deploy().stdout) | {"generation": ""} == {
            "generation": "",
            "active": True,
            "enabled": True,
            "version": "1.36.2",
            "mode": "ipvs",
            "listeners": ["[fd00:99::101]:10256", "[fd00:99::101]:10249"],
            "kubernetesService": families.SERVICE,
            "request": "answered",
            "virtualServers": [{"server": f"TCP {families.SERVICE} rr", "realServers": families.REAL_SERVERS}],
        }

    @pytest.mark.parametrize("mode", ["iptables", "nftables"])
    def test_node_is_proven_in_the_other_modes_too(self, ipv6_node: FakeNode, mode: str) -> None:
        ipv6_node.parameters["MODE"] = mode
        families.listen_at(ipv6_node, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        assert report.parse("k8s-node01", ipv6_node.deploy().stdout)["kubernetesService"] == families.SERVICE

    @pytest.mark.parametrize(
        ("mode", "file", "message"),
        [
            (
                "ipvs",
                "proc/net/ip_vs",
                f"must be 'TCP {families.SERVICE} {' '.join(families.REAL_SERVERS)} ' as in the API, "
                "its real servers are ''",
            ),
            ("iptables", "ip6tables", "the iptables chain KUBE-SERVICES must have the Service address fd00:10::1"),
            ("nftables", "table6", "the nftables table kube-proxy must have the Service address fd00:10::1"),
        ],
    )
    def test_activation_fails_without_the_modes_rules_for_the_service(
        self, ipv6_node: FakeNode, mode: str, file: str, message: str
    ) -> None:
        ipv6_node.parameters |= {"MODE": mode, "HANDOVER": "false"}
        families.listen_at(ipv6_node, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        other = ipv6_node.path(file).read_text().replace("fd00:10::1", "fd00:10::2").replace(":0001]", ":0002]")
        ipv6_node.write(file, other)
        assert message in ipv6_node.fail_to_deploy()


class TestDualStackCluster:
    def test_virtual_servers_of_both_families_are_reported(self, dual_stack_node: FakeNode) -> None:
        reported = report.parse("k8s-node01", dual_stack_node.deploy().stdout)
        assert reported["kubernetesService"] == "10.0.0.1:443"
        assert reported["virtualServers"] == [
            {"server": "TCP 10.0.0.1:443 rr", "realServers": ["192.168.99.121:6443", "192.168.99.122:6443"]},
            {"server": f"TCP {families.SERVICE} rr", "realServers": families.REAL_SERVERS},
        ]

    def test_kube_proxy_must_write_rules_of_the_second_family_too(self, dual_stack_node: FakeNode) -> None:
        dual_stack_node.write("metrics", families.METRICS.splitlines(keepends=True)[0])
        message = "kube-proxy must complete a synchronization of its IPv6 rules: by http://192.168.99"
        assert message in dual_stack_node.fail_to_deploy()

    def test_ipv6_node_is_proven_by_the_service_that_the_stack_names(self, dual_stack_node: FakeNode) -> None:
        """Of a dual-stack Service only the EndpointSlices of its address's family count."""
        node = dual_stack_node
        node.parameters |= {"FAMILIES": "IPv6 IPv4", "KUBERNETES_SERVICE": "fd00:10::1"}
        families.listen_at(node, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        node.write("/api/services", families.services("fd00:10::1"))
        slices = families.endpoint_slices(("IPv4", ["192.168.99.124"]), families.IPV6_SLICE)
        node.write("/api/endpointslices", slices)
        reported = report.parse("k8s-node01", node.deploy().stdout)
        assert reported["kubernetesService"] == families.SERVICE
        assert reported["listeners"] == ["[fd00:99::101]:10256", "[fd00:99::101]:10249"]

    @pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "127.0.0.1", "[::1]"])
    def test_kube_proxy_may_listen_on_all_addresses_or_on_loopback(
        self, dual_stack_node: FakeNode, address: str
    ) -> None:
        families.listen_at(dual_stack_node, f"{address}:10256", f"{address}:10249")
        reported = report.parse("k8s-node01", dual_stack_node.deploy().stdout)
        assert reported["listeners"] == [f"{address}:10256", f"{address}:10249"]
        dual_stack_node.succeed("preflight")


class TestUnit:
    """It is our unit that runs, with its arguments."""

    def test_another_path_to_our_unit_is_ours(self, node: FakeNode) -> None:
        shutil.rmtree(node.path("/lib"))
        node.path("/lib").symlink_to("usr/lib")
        node.write("shown-unit", "/lib/systemd/system/kube-proxy.service\n")
        node.deploy()
        node.succeed("preflight")

    def test_arguments_that_a_drop_in_changes_are_no_success(self, node: FakeNode) -> None:
        node.write("drop-ins", "/etc/systemd/system/kube-proxy.service.d/own.conf")
        assert (
            "kube-proxy must run as '/usr/local/bin/kube-proxy ', runs as '/usr/local/bin/kube-proxy --config=/etc/other ': "
            "do drop-ins of the unit change that (/etc/systemd/system/kube-proxy.service.d/own.conf)?"
        ) in node.fail_to_deploy()

    def test_drop_in_that_moves_the_listeners_is_named_too(self, node: FakeNode) -> None:
        node.write("drop-ins", "/etc/systemd/system/kube-proxy.service.d/own.conf")
        node.succeed("stage")
        messages = node.fail("activate", PATH=node.replace_program("ss", ":"))
        assert "do drop-ins of the unit change that (/etc/systemd/system/kube-proxy.service.d/own.conf)?" in messages

    def test_unit_that_was_still_starting_is_asked_again(self, node: FakeNode) -> None:
        """Its process exists already where a drop-in has ExecStartPost."""
        node.succeed("stage")
        path = node.replace_program(
            "systemctl",
            f'systemctl() {{ {PROGRAMS}/systemctl "$@"; }}\n'
            'case $1 in show) ;; *) systemctl "$@"; exit ;; esac\n'
            'grep -qs restart "$root/unit/calls" && [ ! -e "$root/asked" ] || { systemctl "$@"; exit; }\n'
            ': >"$root/asked"; systemctl "$@" | sed s/ActiveState=active/ActiveState=activating/',
        )
        node.succeed("activate", PATH=path)
        assert node.path("asked").exists()

    @pytest.mark.parametrize(
        "line", ["ExecStart=", "User=nobody", "BindReadOnlyPaths=/a:/b", "Environment=HTTPS_PROXY=http://proxy:3128"]
    )
    def test_preflight_finds_drop_ins_that_change_how_kube_proxy_starts(self, node: FakeNode, line: str) -> None:
        drop_in = "/etc/systemd/system/kube-proxy.service.d/own.conf"
        node.write("drop-ins", drop_in)
        node.write(drop_in, f"[Service]\n{line}\n")
        assert node.problems()[0].startswith(f"{drop_in} must not change how kube-proxy starts: remove it")
        node.write(drop_in, "[Service]\nMemoryMax=1G\nEnvironment=GOMAXPROCS=2\n")
        node.succeed("preflight")

    def test_process_must_read_the_generations_files(self, node: FakeNode) -> None:
        """A drop-in can give it other files at the same paths (BindPaths, RootDirectory)."""
        node.write("/other/etc/kubernetes/kube-proxy-config.yaml", CONFIGURATION + "#\n")
        node.write("process-root", str(node.path("/other")))
        message = (
            "the process must see this generation's kube-proxy-config.yaml at /etc/kubernetes/kube-proxy-config.yaml"
        )
        assert message in node.fail_to_deploy()


class TestConfigurationOfTheProcess:
    def test_process_with_another_configuration_is_restarted_though_the_files_are_right(self, node: FakeNode) -> None:
        """The file was changed, kube-proxy restarted, and the file changed back."""
        node.deploy()
        node.systemctl_calls()
        node.write("unit/configuration", CONFIGURATION + "oomScoreAdj: 5\n")
        assert "restarting kube-proxy (its configuration was not that of this generation)" in node.deploy().stderr
        assert node.systemctl_calls() == [RESTART]
        node.deploy()
        assert node.systemctl_calls() == []


class TestSynchronization:
    """kube-proxy's own metrics tell whether this process has written all of its rules."""

    LAST = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
    QUEUED = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
    RESTORE_FAILURES = "kubeproxy_sync_proxy_rules_iptables_restore_failures_total"

    def test_process_must_complete_one_after_its_start(self, node: FakeNode) -> None:
        """With an iptables-restore that always fails, virtual servers, listeners and livez are all as they should be."""
        node.write(
            "metrics", f'{self.RESTORE_FAILURES}{{ip_family="IPv4"}} 3\n{self.QUEUED}{{ip_family="IPv4"}} 1.7e+09\n'
        )
        assert (
            "kube-proxy must complete a synchronization of its IPv4 rules: by http://192.168.99.101:10249/metrics it has not "
            "completed any since its start, and has failed 3 times"
        ) in node.fail_to_deploy()

    @pytest.mark.parametrize("failures", [0, 1])
    def test_family_that_only_kube_proxy_knows_of_is_waited_for_unless_it_is_broken(
        self, node: FakeNode, failures: int
    ) -> None:
        """The stack has no clusterCIDR of it, but the cluster may have Services: rules of the old mode serve them until then."""
        complete = f'{self.LAST}{{ip_family="IPv4"}} 1.7e+09\n{self.QUEUED}{{ip_family="IPv4"}} 1.7e+09\n'
        begun = f'{self.QUEUED}{{ip_family="IPv6"}} 1.7e+09\n{self.RESTORE_FAILURES}{{ip_family="IPv6"}} {failures}\n'
        node.write("metrics", complete + begun)
        node.succeed("stage")
        done = node.run("activate")
        assert (done.returncode == 0) is bool(failures)
        assert ("must complete a synchronization of its IPv6 rules" in done.stderr) is not bool(failures)

    @pytest.mark.parametrize(("last", "served"), [("1.7955036820867798e+09", False), ("1.7955036973443336e+09", True)])
    def test_nothing_may_wait_after_a_failure(self, node: FakeNode, last: str, served: bool) -> None:
        node.write(
            "metrics",
            f'{self.RESTORE_FAILURES}{{ip_family="IPv4"}} 1\n{self.LAST}{{ip_family="IPv4"}} {last}\n'
            f'{self.QUEUED}{{ip_family="IPv4"}} 1.7955036973443336e+09\n',
        )
        node.succeed("stage")
        done = node.run("activate")
        assert (done.returncode == 0) is served
        assert ("it has failed 1 times, and changes are waiting" in done.stderr) is not served
