"""A node serves Services of IPv4, IPv6 or both, in every mode; what proves it is compared in whatever form it is written.

Lines of /proc/net are as a node's kernel had them (Linux 6.1), the metric as kube-proxy 1.36.2 had it.
"""

import pytest
import yaml

from components import report
from tests.scripts.fake_node import ENDPOINT_SLICES, SERVICES, FakeNode

SERVICE = "[fd00:10::1]:443"
SERVERS = ["[fd00:99::121]:6443", "[fd00:99::122]:6443", "[fd00:99::123]:6443"]
IP_VS = """\
TCP  [fd00:0010:0000:0000:0000:0000:0000:0001]:01BB rr
  -> [fd00:0099:0000:0000:0000:0000:0000:0123]:192B      Masq    1      0          0
  -> [fd00:0099:0000:0000:0000:0000:0000:0122]:192B      Masq    1      0          0
  -> [fd00:0099:0000:0000:0000:0000:0000:0121]:192B      Masq    1      0          0
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fd000099000000000000000000000101 02 40 00 82   enp0s1
fd000010000000000000000000000001 03 80 00 80 kube-ipvs0
"""
METRICS = """\
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.7955036820867798e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.7955036973443336e+09
"""


def service(address: str) -> str:
    return SERVICES.replace("clusterIP: 10.0.0.1", f"clusterIP: {address}")


def slices(*of_family: tuple[str, list[str]]) -> str:
    """The API's EndpointSlices of one Service, each of an address type with these addresses."""
    items = [
        {
            "addressType": family,
            "endpoints": [{"addresses": [address]} for address in addresses],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        }
        for family, addresses in of_family
    ]
    return yaml.safe_dump({"apiVersion": "v1", "items": items, "kind": "List"})


IPV6_SLICE = ("IPv6", ["fd00:99::121", "fd00:99:0:0::122", "FD00:99::0123"])


def listen_at(node: FakeNode, healthz: str, metrics: str) -> None:
    node.parameters |= {"HEALTHZ": healthz, "METRICS": metrics}
    node.files["kube-proxy-config.yaml"] = (
        f"mode: {node.parameters['MODE']}\nhealthzBindAddress: '{healthz}'\nmetricsBindAddress: '{metrics}'\n"
    )


@pytest.fixture
def ipv6(node: FakeNode) -> FakeNode:
    """A node of a cluster that has IPv6 alone."""
    node.parameters["FAMILIES"] = "IPv6"
    listen_at(node, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
    node.write("/api/services", service("fd00:10::1"))
    node.write("/api/endpointslices", slices(IPV6_SLICE))
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text().partition("TCP")[0] + IP_VS)
    node.write("/proc/net/if_inet6", IF_INET6)
    node.write("/kube-ipvs0", "")
    node.write(
        "ip6tables", "-A KUBE-SERVICES -d fd00:10::1/128 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y\n"
    )
    node.write("table6", "element fd00:10::1 . tcp . 443")
    return node


@pytest.fixture
def dual_stack(node: FakeNode) -> FakeNode:
    """A node of a cluster that has both, IPv4 first: the Service kubernetes has IPv4 alone."""
    node.parameters["FAMILIES"] = "IPv4 IPv6"
    node.write("/proc/net/ip_vs", node.path("/proc/net/ip_vs").read_text() + IP_VS)
    node.write("/proc/net/if_inet6", IF_INET6)
    node.write("metrics", METRICS)
    return node


def deployed(node: FakeNode) -> dict[str, object]:
    done = node.deploy()
    assert done.returncode == 0, done.stderr
    return report.parse(done.stdout)


class TestIPv6Alone:
    def test_is_proven_by_its_service(self, ipv6: FakeNode) -> None:
        assert deployed(ipv6) | {"generation": ""} == {
            "generation": "",
            "active": True,
            "enabled": True,
            "version": "1.36.2",
            "mode": "ipvs",
            "listeners": ["[fd00:99::101]:10256", "[fd00:99::101]:10249"],
            "kubernetesService": SERVICE,
            "request": "answered",
            "virtualServers": [{"server": f"TCP {SERVICE} rr", "realServers": SERVERS}],
        }

    @pytest.mark.parametrize("mode", ["iptables", "nftables"])
    def test_in_the_other_modes_too(self, ipv6: FakeNode, mode: str) -> None:
        ipv6.parameters["MODE"] = mode
        listen_at(ipv6, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        assert deployed(ipv6)["kubernetesService"] == SERVICE

    @pytest.mark.parametrize(
        ("mode", "file", "said"),
        [
            (
                "ipvs",
                "proc/net/ip_vs",
                f"must be 'TCP {SERVICE} {' '.join(SERVERS)} ' as in the API, its real servers are ''",
            ),
            ("iptables", "ip6tables", "the iptables chain KUBE-SERVICES must have the Service address fd00:10::1"),
            ("nftables", "table6", "the nftables table kube-proxy must have the Service address fd00:10::1"),
        ],
    )
    def test_without_its_rules_it_is_put_back(self, ipv6: FakeNode, mode: str, file: str, said: str) -> None:
        ipv6.parameters["MODE"] = mode
        listen_at(ipv6, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        other = ipv6.path(file).read_text().replace("fd00:10::1", "fd00:10::2").replace(":0001]", ":0002]")
        ipv6.write(file, other)
        done = ipv6.deploy()
        assert done.returncode == 1
        assert said in done.stderr


class TestBothFamilies:
    def test_virtual_servers_of_both_are_reported(self, dual_stack: FakeNode) -> None:
        answer = deployed(dual_stack)
        assert answer["kubernetesService"] == "10.0.0.1:443"
        assert answer["virtualServers"] == [
            {"server": "TCP 10.0.0.1:443 rr", "realServers": ["192.168.99.121:6443", "192.168.99.122:6443"]},
            {"server": f"TCP {SERVICE} rr", "realServers": SERVERS},
        ]

    def test_rules_of_the_second_family_must_be_written_too(self, dual_stack: FakeNode) -> None:
        dual_stack.write("metrics", METRICS.splitlines(keepends=True)[0])
        done = dual_stack.deploy()
        assert done.returncode == 1
        assert "kube-proxy must write IPv6 rules too (cluster.clusterCIDR): http://192.168.99" in done.stderr

    def test_ipv6_first_is_proven_by_the_service_that_the_stack_names(self, dual_stack: FakeNode) -> None:
        """Of a Service with both families only the slices of its address' family count."""
        dual_stack.parameters |= {"FAMILIES": "IPv6 IPv4", "KUBERNETES_SERVICE": "fd00:10::1"}
        listen_at(dual_stack, "[fd00:99::101]:10256", "[fd00:99::101]:10249")
        dual_stack.write("/api/services", service("fd00:10::1"))
        dual_stack.write("/api/endpointslices", slices(("IPv4", ["192.168.99.124"]), IPV6_SLICE))
        answer = deployed(dual_stack)
        assert answer["kubernetesService"] == SERVICE
        assert answer["listeners"] == ["[fd00:99::101]:10256", "[fd00:99::101]:10249"]

    def test_a_removal_takes_those_of_both_and_no_others(self, dual_stack: FakeNode) -> None:
        head, _, _ = dual_stack.path("/proc/net/ip_vs").read_text().partition("TCP")
        foreign = IP_VS.replace("fd00:0010:", "fd00:0098:")
        dual_stack.write("/proc/net/ip_vs", dual_stack.path("/proc/net/ip_vs").read_text() + foreign)
        assert dual_stack.run("remove").returncode == 0
        assert dual_stack.path("/proc/net/ip_vs").read_text() == head + foreign

    @pytest.mark.parametrize("wildcard", ["0.0.0.0", "[::]"])
    def test_listeners_at_all_addresses(self, dual_stack: FakeNode, wildcard: str) -> None:
        listen_at(dual_stack, f"{wildcard}:10256", f"{wildcard}:10249")
        assert deployed(dual_stack)["listeners"] == [f"{wildcard}:10256", f"{wildcard}:10249"]
        assert dual_stack.run("preflight").returncode == 0


class TestTheServiceThatIsTried:
    def test_is_refused_before_anything_is_touched_where_there_is_none(self, node: FakeNode) -> None:
        node.parameters["KUBERNETES_SERVICE"] = "10.0.0.2"
        done = node.run("stage")
        assert done.returncode == 1
        assert done.stderr == (
            "k8s-node01: stage: the API server https://192.168.99.100:8443 must list a Service with the address 10.0.0.2 "
            "(cluster.kubernetesService) for system:kube-proxy, or no activation can be proven\n"
        )

    def test_must_have_endpoints_of_its_family(self, node: FakeNode) -> None:
        node.write("/api/endpointslices", slices(IPV6_SLICE))
        done = node.run("stage")
        assert done.returncode == 1
        assert "must list IPv4 endpoints of the Service kubernetes in namespace default, or" in done.stderr

    def test_endpoints_that_are_not_ready_do_not_count(self, node: FakeNode) -> None:
        ready = "- addresses:\n    - 192.168.99.123\n    conditions:\n      ready: false\n  kind: EndpointSlice"
        node.write("/api/endpointslices", ENDPOINT_SLICES.replace("kind: EndpointSlice", ready, 1))
        assert deployed(node)["kubernetesService"] == "10.0.0.1:443"

    def test_only_the_port_of_its_own_name_counts(self, node: FakeNode) -> None:
        other = "ports:\n  - name: http\n    port: 8080\n    protocol: TCP\n"
        node.write("/api/endpointslices", ENDPOINT_SLICES.replace("ports:\n", other))
        assert deployed(node)["kubernetesService"] == "10.0.0.1:443"


class TestPreflight:
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
    def test_a_port_is_occupied_where_the_families_meet(
        self, node: FakeNode, healthz: str, other: str, free: bool
    ) -> None:
        node.parameters["HEALTHZ"] = healthz
        node.write("listeners", f'LISTEN 0 4096 {other} *:* users:(("nginx",pid=99,fd=3))\n')
        done = node.run("preflight")
        assert (done.returncode == 0) is free
        assert (f"port {healthz} must be free for kube-proxy, is in use by " in done.stderr) is not free

    def test_a_kernel_without_ipv6_is_refused_where_the_cluster_has_it(self, dual_stack: FakeNode) -> None:
        dual_stack.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n")
        said = dual_stack.run("preflight").stderr
        assert "IPv6 must be enabled for the cluster's pods and Services, is disabled: run sysctl -w net.ipv6." in said
        dual_stack.write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n")
        assert dual_stack.run("preflight").returncode == 0
        dual_stack.path("/proc/net/if_inet6").unlink()
        assert dual_stack.run("preflight").returncode == 1

    def test_forwarding_of_each_family_is_looked_at(self, dual_stack: FakeNode) -> None:
        dual_stack.parameters["MODE"] = "iptables"
        dual_stack.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        dual_stack.write("/proc/sys/net/ipv6/conf/all/forwarding", "0\n")
        warned = [line.split(": ")[3] for line in dual_stack.run("preflight").stderr.splitlines()[:-1]]
        assert [line.split(",")[0] for line in warned] == [
            "net.ipv4.ip_forward is 0",
            "net.ipv6.conf.all.forwarding is 0",
        ]
