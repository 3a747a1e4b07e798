"""Settings of a valid stack: defaults are filled in, files are read, and the fleet's values merged into each node."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from settings import BinarySource, CAWithKey, KeyAlgorithm, RolloutSettings, Service, Settings, Subject, load

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Authority = Callable[[Values], CAWithKey]


class TestDefaults:
    """The guide's values, for keys that the stack doesn't set."""

    def test_defaults_are_the_guides(self, values: Values, loaded: Load) -> None:
        settings = loaded(values)

        assert settings.cluster.name == "kubernetes"
        assert settings.cluster.kubernetes_service is None
        assert settings.client_certificate.subject == Subject(
            country="CN", province="Jiangsu", locality="Suzhou", organizations=("k8s",), organizational_unit="wangxyd"
        )
        assert settings.client_certificate.key_algorithm is KeyAlgorithm.RSA_2048
        assert settings.client_certificate.validity_hours == 8760
        assert settings.client_certificate.renew_before_hours == 720
        assert settings.binary.source is BinarySource.PREINSTALLED
        assert settings.service == Service(k8s_dir="/opt/k8s", verbosity=2)
        assert settings.rollout == RolloutSettings(
            canary=1,
            max_unavailable="25%",
            health_timeout_seconds=60,
            min_ready_seconds=10,
            remove_foreign_virtual_servers=False,
        )

    def test_default_login_is_root_on_port_22_of_the_nodes_address(self, values: Values, loaded: Load) -> None:
        ssh = loaded(values).nodes[0].ssh

        assert (ssh.user, ssh.host, ssh.port) == ("root", "192.168.99.101", 22)

    def test_null_means_the_default(self, values: Values, loaded: Load) -> None:
        values |= {"service": None, "rollout": {"canary": None}, "caPrivateKey": None}

        assert loaded(values).rollout.canary == 1

    def test_subject_replaces_all_of_its_defaults(self, values: Values, loaded: Load) -> None:
        values["clientCertificate"] = {"subject": {"country": "FR"}}

        assert loaded(values).client_certificate.subject == Subject(country="FR")


class TestFiles:
    """Files are read once, here. Nothing later depends on the directory or on the home directory."""

    def test_file_names_are_relative_to_the_project(
        self, values: Values, loaded: Load, authority: Authority, project: Path
    ) -> None:
        settings = loaded(values)

        assert authority(values).trust_bundle_pem == (project / "ca.pem").read_text()
        assert authority(values).private_key_pem.get_secret_value() == (project / "ca-key.pem").read_text()
        assert settings.nodes[2].ssh.private_key == SecretStr((project / "id_ed25519").read_text())

    def test_file_may_be_in_the_home_directory(
        self, values: Values, project: Path, loaded: Load, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(project))
        values["ssh"]["privateKeyFile"] = "~/id_ed25519"

        assert loaded(values).nodes[0].ssh.private_key

    def test_nodes_file_is_the_same_as_nodes(self, values: Values, loaded: Load, project: Path) -> None:
        (project / "nodes.yaml").write_text(yaml.safe_dump(values["nodes"]))
        in_the_stack = loaded(values).nodes

        assert loaded({**values, "nodes": None, "nodesFile": "nodes.yaml"}).nodes == in_the_stack

    def test_keys_may_be_secrets_instead_of_files(
        self, values: Values, loaded: Load, authority: Authority, project: Path
    ) -> None:
        values["caPrivateKey"] = (project / values["certificateAuthority"].pop("privateKeyFile")).read_text()
        values["sshPrivateKey"] = (project / values.pop("ssh")["privateKeyFile"]).read_text()
        settings = loaded(values)

        assert authority(values).private_key_pem.get_secret_value() == values["caPrivateKey"]
        assert settings.nodes[0].ssh.private_key == SecretStr(values["sshPrivateKey"])


class TestNodes:
    """A node's own values win over the fleet's."""

    def test_node_merges_mappings_and_replaces_lists_and_plain_values(self, values: Values, loaded: Load) -> None:
        values["configuration"] = {
            "mode": "ipvs",
            "ipvs": {"scheduler": "rr", "excludeCIDRs": ["10.1.0.0/16", "10.2.0.0/16"]},
        }
        values["nodes"][1]["configuration"] = {"mode": "nftables", "ipvs": {"excludeCIDRs": ["10.3.0.0/16"]}}
        first, second, third = loaded(values).nodes

        assert first.configuration == third.configuration == values["configuration"]
        assert second.configuration == {
            "mode": "nftables",
            "ipvs": {"scheduler": "rr", "excludeCIDRs": ["10.3.0.0/16"]},
        }

    def test_node_merges_ssh_key_by_key(self, values: Values, loaded: Load, project: Path) -> None:
        (project / "other").write_bytes((project / "id_ed25519").read_bytes() + b"\n")
        values["ssh"]["port"] = 2222
        values["nodes"][0]["ssh"] = {"host": "127.0.0.1", "port": 2201}
        values["nodes"][1]["ssh"] = {"privateKeyFile": "other"}
        first, second, _ = loaded(values).nodes

        assert (first.ssh.host, first.ssh.port) == ("127.0.0.1", 2201)
        assert (second.ssh.host, second.ssh.port) == ("192.168.99.102", 2222)
        assert first.ssh.private_key != second.ssh.private_key

    def test_fleet_needs_no_ssh_key_if_each_node_has_its_own(self, values: Values, loaded: Load) -> None:
        del values["ssh"]
        for node in values["nodes"]:
            node["ssh"] = {"privateKeyFile": "id_ed25519"}

        assert len(loaded(values).nodes) == 3

    def test_host_key_loses_its_comment(self, values: Values, loaded: Load) -> None:
        written = values["nodes"][0]["hostKey"]
        values["nodes"][0]["hostKey"] = f" {written}  root@k8s-node01\n"

        assert loaded(values).nodes[0].ssh.host_key == written

    def test_nodes_of_both_families_are_accepted_in_a_dual_stack_cluster(self, values: Values, loaded: Load) -> None:
        values["cluster"]["clusterCIDR"] = "fd00:172:30::/56,172.30.0.0/16"
        values["nodes"][0]["address"] = "fd00:99::101"

        assert loaded(values).nodes[0].address == "fd00:99::101"

    @pytest.mark.parametrize("address", ["0.0.0.0", "::"])
    def test_unspecified_bind_address_has_no_family(self, values: Values, loaded: Load, address: str) -> None:
        values["configuration"]["bindAddress"] = address

        assert loaded(values).nodes[0].configuration["bindAddress"] == address


class TestNotation:
    """Numbers may be text, as `pulumi config set --path` stores them. Text stays as it was written."""

    @pytest.mark.parametrize("port", [2222, "2222", 2222.0])
    def test_port_may_be_a_number_or_text(self, values: Values, loaded: Load, port: object) -> None:
        values["ssh"]["port"] = port

        assert loaded(values).nodes[0].ssh.port == 2222

    @pytest.mark.parametrize(
        "server", ["https://192.168.99.100", "https://K8S.example.org:6443/", "https://[fd00::1]:6443"]
    )
    def test_server_stays_as_written(self, values: Values, loaded: Load, server: str) -> None:
        values["cluster"]["server"] = server

        assert loaded(values).cluster.server == server

    @pytest.mark.parametrize("name", ["kubernetes.default.svc", "10.0.0.1", "fd00::1", "API.example.org"])
    @pytest.mark.parametrize("url", ["http://proxy:3128", "socks5://[fd00::1]:1080/"])
    def test_tls_server_name_and_proxy_url_stay_as_written(
        self, values: Values, loaded: Load, name: str, url: str
    ) -> None:
        values["cluster"] |= {"tlsServerName": name, "proxyURL": url}
        cluster = loaded(values).cluster

        assert (cluster.tls_server_name, cluster.proxy_url) == (name, url)

    @pytest.mark.parametrize(
        ("kube_proxy", "control_plane"), [("v1.36.2", "v1.36.0"), ("1.34.9", "1.37.0"), ("1.35.0", "1.36.2+k3s1")]
    )
    def test_version_loses_its_v_and_kube_proxy_may_be_three_minors_older(
        self, values: Values, loaded: Load, kube_proxy: str, control_plane: str
    ) -> None:
        values["binary"]["version"], values["cluster"]["version"] = kube_proxy, control_plane
        settings = loaded(values)

        assert settings.binary.version == kube_proxy.removeprefix("v")
        assert settings.cluster.version == control_plane.removeprefix("v")


class TestRollout:
    """A batch has at least one node, and never more than maxUnavailable."""

    @pytest.mark.parametrize(
        ("max_unavailable", "nodes", "size"),
        [("25%", 3, 1), ("25%", 8, 2), ("25%", 11, 3), ("100%", 7, 7), ("1%", 5, 1), (2, 1, 2), ("3", 10, 3)],
    )
    def test_batch_size(self, values: Values, loaded: Load, max_unavailable: object, nodes: int, size: int) -> None:
        values["rollout"] = {"maxUnavailable": max_unavailable}

        assert loaded(values).rollout.batch_size(nodes) == size


class TestSecrets:
    """Keys must not be printed by accident."""

    def test_keys_are_not_in_the_repr_of_settings(self, values: Values, loaded: Load, project: Path) -> None:
        text = repr(loaded(values))

        for name in ("ca-key.pem", "id_ed25519"):
            assert (project / name).read_text().splitlines()[1] not in text


def test_load_does_not_change_its_values(values: Values, project: Path) -> None:
    values["cluster"]["name"] = None
    before = repr(values)
    load(values, project)

    assert repr(values) == before
