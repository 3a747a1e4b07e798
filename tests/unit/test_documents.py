"""The files of a node: golden files, which are the guide's line by line, and properties for any values."""

from base64 import b64decode
from collections.abc import Callable, Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from documents import (
    environment_file,
    kernel_modules,
    kube_proxy_configuration,
    kubeconfig,
    network_file,
    systemd_unit,
)
from settings import Cluster, Mode, NodeConfiguration, Service
from settings.kube_proxy_configuration import configure
from settings.stack import NodeSection

Golden = Callable[[str, str], None]


def node(configuration: Mapping[str, object], address: str = "192.168.99.101") -> NodeConfiguration:
    return configure(NodeSection(name="k8s-node01", address=address), configuration)


def cluster(cidr: str | None = "172.30.0.0/16", **more: str) -> Cluster:
    return Cluster(server="https://192.168.99.100:8443", version="1.36.2", cluster_cidr=cidr, **more)


class TestKubeconfig:
    def test_kubeconfig_is_the_guides(self, golden: Golden) -> None:
        text = kubeconfig.render(
            cluster=cluster(),
            certificate_authority_pem="the certificate authority\n",
            client_certificate_pem="the client certificate, longer than a line of YAML that is folded by default\n",
            client_key_pem="the client key\n",
        )

        golden("kube-proxy.kubeconfig", text)

    def test_kubeconfig_has_the_server_name_and_the_proxy(self, golden: Golden) -> None:
        way = cluster(tls_server_name="kubernetes.default.svc", proxy_url="http://192.168.99.10:3128")
        text = kubeconfig.render(
            cluster=way, certificate_authority_pem="", client_certificate_pem="", client_key_pem=""
        )

        golden("kube-proxy.way.kubeconfig", text)

    @pytest.mark.parametrize("name", ["a" * 76 + " server: url=x", "é " * 90, " " * 300, "a\u2028server: x"])
    def test_no_value_is_continued_on_another_line(self, name: str) -> None:
        given = cluster().model_copy(update={"name": name})
        text = kubeconfig.render(
            cluster=given, certificate_authority_pem="a", client_certificate_pem="b", client_key_pem="c"
        )

        assert len(text.splitlines()) == 19

    @given(st.text(min_size=1), st.text(), st.text())
    def test_kubeconfig_has_the_name_and_the_certificates_as_given(self, name: str, pem: str, key: str) -> None:
        text = kubeconfig.render(
            cluster=cluster().model_copy(update={"name": name}),
            certificate_authority_pem=pem,
            client_certificate_pem=pem,
            client_key_pem=key,
        )
        document = yaml.safe_load(text)

        assert document["clusters"][0]["name"] == document["contexts"][0]["context"]["cluster"] == name
        assert b64decode(document["clusters"][0]["cluster"]["certificate-authority-data"]).decode() == pem
        assert b64decode(document["users"][0]["user"]["client-key-data"]).decode() == key
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


class TestKubeProxyConfiguration:
    @pytest.mark.parametrize(
        ("name", "configuration", "address", "cidr"),
        [
            ("guide", {"mode": "ipvs"}, "192.168.99.101", "172.30.0.0/16"),
            ("without-cluster-cidr", {"detectLocalMode": "NodeCIDR", "mode": "nftables"}, "192.168.99.101", None),
            ("ipv6", {}, "fd00:99::101", "fd00:172:30::/56"),
            ("dual-stack", {}, "192.168.99.101", "172.30.0.0/16,fd00:172:30::/56"),
            (
                "further-fields",
                {
                    "nodePortAddresses": ["192.168.99.0/24"],
                    "metricsBindAddress": "127.0.0.1:10249",
                    "ipvs": {"strictARP": True, "scheduler": "wrr", "excludeCIDRs": []},
                    "clientConnection": {"qps": 5, "burst": 10},
                    "featureGates": {},
                },
                "192.168.99.101",
                "172.30.0.0/16",
            ),
        ],
    )
    def test_configuration_is_the_golden_file(
        self, golden: Golden, name: str, configuration: Mapping[str, object], address: str, cidr: str | None
    ) -> None:
        text = kube_proxy_configuration.render(node(configuration, address), cluster(cidr))

        golden(f"kube-proxy-config.{name}.yaml", text)

    def test_order_of_the_fields_in_the_stack_changes_nothing(self) -> None:
        fields = {"oomScoreAdj": -998, "ipvs": {"scheduler": "rr", "strictARP": True}}
        turned = {"ipvs": {"strictARP": True, "scheduler": "rr"}, "oomScoreAdj": -998}

        assert kube_proxy_configuration.render(node(fields), cluster()) == kube_proxy_configuration.render(
            node(turned), cluster()
        )

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text()
            | st.text("0123456789.eEoOxXyYnN+-_:#~ '\"\\", max_size=6),
            lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
            max_leaves=6,
        )
    )
    def test_yaml_has_the_values_of_the_document(self, value: object) -> None:
        given_node = node({"ipvs": {"scheduler": value}})
        text = kube_proxy_configuration.render(given_node, cluster())

        assert yaml.safe_load(text) == kube_proxy_configuration.document(given_node, cluster())

    @pytest.mark.parametrize(
        "text", ["1e3", ".5e3", "1.e5", "+.5", "1_0e3", "0o14", "012", "0x1F", "y", "N", "yes", "1:30"]
    )
    def test_text_that_gos_yaml_reads_as_a_number_or_a_boolean_is_quoted(self, text: str) -> None:
        rendered = kube_proxy_configuration.render(node({"detectLocal": {"interfaceNamePrefix": text}}), cluster())

        assert f"  interfaceNamePrefix: '{text}'\n" in rendered


class TestSystemdUnit:
    def test_unit_without_a_sandbox_is_the_guides(self, golden: Golden) -> None:
        golden("kube-proxy.service", systemd_unit.render(Service(hardened=False)))

    def test_hardened_unit(self, golden: Golden) -> None:
        golden("kube-proxy-hardened.service", systemd_unit.render(Service()))

    def test_unit_works_in_kube_proxys_directory(self) -> None:
        assert "WorkingDirectory=/data/k8s/kube-proxy\n" in systemd_unit.render(Service(k8s_dir="/data/k8s"))

    def test_unit_starts_the_binary_in_the_stacks_directory(self) -> None:
        unit = systemd_unit.render(Service(binary_directory="/opt/bin"))
        assert "ExecStart=/opt/bin/kube-proxy $KUBE_PROXY_ARGS\n" in unit


class TestEnvironmentFile:
    def test_environment_file_is_the_guides(self, golden: Golden) -> None:
        golden("kube-proxy.conf", environment_file.render(2))

    def test_environment_file_has_no_removed_flag(self) -> None:
        assert "--logtostderr" not in environment_file.render(2)


class TestKernelModules:
    @pytest.mark.parametrize("mode", Mode)
    def test_modules_of_each_mode(self, golden: Golden, mode: Mode) -> None:
        golden(f"modules.{mode}", kernel_modules.render(node({"mode": mode.value}).kube_proxy))

    @pytest.mark.parametrize(
        ("ipvs", "module"), [({"scheduler": "wrr"}, "ip_vs_wrr"), ({"strictARP": True}, "ip_vs_rr")]
    )
    def test_ipvs_modules_include_the_schedulers(self, ipvs: Mapping[str, object], module: str) -> None:
        assert kernel_modules.kernel_modules(node({"ipvs": ipvs}).kube_proxy) == ["nf_conntrack", "ip_vs", module]


class TestNetworkFile:
    def test_network_file_makes_kube_ipvs0_unmanaged(self, golden: Golden) -> None:
        golden("kube-ipvs0.network", network_file.render())
