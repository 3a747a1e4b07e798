"""The resources of a fleet: names, order, secrets, and that a change of one node changes no other."""

import base64
import io
import tarfile
from dataclasses import replace

import pytest
import yaml

from components.rollout import order, waves
from settings import Binary, BinarySource, CAWithKey, RolloutSettings, Settings
from tests.components.recorder import CLIENT_CERTIFICATE, CLIENT_KEY, Deploy, Recorder, node

COMMAND = "command:remote:Command"


def unpacked(standard_input: object) -> dict[str, str]:
    """The files of a payload, which may be wrapped in a secret."""
    text = standard_input["value"] if isinstance(standard_input, dict) else standard_input
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(str(text)))) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name: content.read().decode() for name, content in members.items() if content}


def node_commands(recorder: Recorder) -> dict[str, dict[str, object]]:
    """The commands that run on nodes; barriers don't."""
    return {name: inputs for name, inputs in recorder.of_type(COMMAND).items() if name.startswith("k8s-")}


class TestNames:
    """A renamed type or resource would be deleted and created again on every node of every stack."""

    def test_types_and_names_of_a_node(self, deploy: Deploy) -> None:
        registered = [(r.typ, r.name) for r in deploy().resources if "k8s-node03" in r.name]
        assert sorted(registered) == [
            (COMMAND, "k8s-node03-activate"),
            (COMMAND, "k8s-node03-preflight"),
            (COMMAND, "k8s-node03-stage"),
            ("command:remote:CopyToRemote", "k8s-node03-binary"),
            ("kube-proxy:index:LiveGeneration", "k8s-node03"),
            ("kube-proxy:index:Node", "k8s-node03"),
        ]

    def test_preinstalled_binary_is_not_uploaded(self, deploy: Deploy) -> None:
        recorder = deploy(binary=Binary("1.36.2", BinarySource.PREINSTALLED, None, None, {}))
        assert recorder.of_type("command:remote:CopyToRemote") == {}


class TestOrder:
    """Every node is staged before any is activated; then come the canary and the batches."""

    def test_every_node_is_staged_before_the_canary_is_activated_then_batches(self, deploy: Deploy) -> None:
        names = [name for name in deploy().names if name.endswith(("-stage", "-activate"))]
        assert all(name.endswith("-stage") for name in names[:6])
        assert names[6] == "k8s-node01-activate", "the canary"
        waves = [set(names[7:9]), set(names[9:11]), set(names[11:])]
        assert waves == [
            {"k8s-node02-activate", "k8s-node03-activate"},
            {"k8s-node04-activate", "k8s-node05-activate"},
            {"k8s-node06-activate"},
        ]

    @pytest.mark.parametrize(
        ("nodes", "rollout", "line"),
        [
            (1, RolloutSettings(canary=1, max_unavailable="25%"), "order: canary node0"),
            (4, RolloutSettings(canary=1, max_unavailable=2), "order: canary node0; then node1, node2; then node3"),
            (9, RolloutSettings(canary=0, max_unavailable=5), "order: node0 … node4 (5); then node5 … node8 (4)"),
            (
                300,
                RolloutSettings(canary=1, max_unavailable="10%"),
                "order: canary node0; then node1 … node30 (30); then node31 … node60 (30); then 7 more of that size; "
                "then node271 … node299 (29)",
            ),
        ],
    )
    def test_order_is_one_line(self, nodes: int, rollout: RolloutSettings, line: str) -> None:
        assert order([f"node{number}" for number in range(nodes)], rollout) == line

    def test_barrier_runs_no_command(self, deploy: Deploy) -> None:
        commands = deploy().of_type(COMMAND)
        barriers = {name: inputs for name, inputs in commands.items() if name.startswith("rollout-")}
        assert set(barriers) == {"rollout-wave-1", "rollout-wave-3", "rollout-wave-4"}, "a single node needs none"
        for inputs in barriers.values():
            assert not {"create", "update", "delete"} & set(inputs)

    @pytest.mark.parametrize(
        ("rollout", "sizes"),
        [
            (RolloutSettings(canary=1, max_unavailable="25%"), [1, 1, 1, 1, 1, 1]),
            (RolloutSettings(canary=2, max_unavailable="50%"), [2, 3, 1]),
            (RolloutSettings(canary=0, max_unavailable=4), [4, 2]),
            (RolloutSettings(canary=0, max_unavailable="100%"), [6]),
            (RolloutSettings(canary=9, max_unavailable=1), [6]),
        ],
    )
    def test_waves_have_the_sizes_of_the_rollout(self, rollout: RolloutSettings, sizes: list[int]) -> None:
        nodes = [node(index) for index in range(6)]
        assert [len(wave) for wave in waves(nodes, rollout)] == sizes


class TestSecrets:
    """Keys are only on standard input, as a secret."""

    def test_no_key_is_in_an_input_that_pulumi_shows(self, deploy: Deploy) -> None:
        for resource in deploy().resources:
            shown = {key: value for key, value in resource.inputs.items() if key not in ("stdin", "connection")}
            if resource.typ.startswith("tls:"):
                continue
            for secret in ("CA-KEY", "SSH-KEY", CLIENT_KEY, base64.b64encode(CLIENT_KEY.encode()).decode()):
                assert secret not in repr(shown), f"{resource.name} shows {secret}"

    def test_ca_key_is_sent_to_no_node(self, deploy: Deploy) -> None:
        for name, inputs in node_commands(deploy()).items():
            assert "CA-KEY" not in repr(unpacked(inputs["stdin"])), name

    def test_kubeconfig_is_sent_to_the_stage_only(self, deploy: Deploy) -> None:
        holders = {
            name.rpartition("-")[2]
            for name, inputs in node_commands(deploy()).items()
            if "files/kube-proxy.kubeconfig" in unpacked(inputs["stdin"])
        }
        assert holders == {"stage"}

    def test_commands_have_no_environment_and_no_triggers(self, deploy: Deploy) -> None:
        for inputs in node_commands(deploy()).values():
            assert inputs["addPreviousOutputInEnv"] is False
            assert "triggers" not in inputs
            assert "environment" not in inputs


class TestKubeconfig:
    def test_kubeconfig_has_the_clients_issuers_and_the_trust_bundle(self, deploy: Deploy, settings: Settings) -> None:
        assert isinstance(settings.certificate_authority, CAWithKey)
        authority = replace(settings.certificate_authority, chain_pem="+INTERMEDIATE", trust_bundle_pem="BUNDLE")
        stage = node_commands(deploy(certificate_authority=authority))["k8s-node01-stage"]
        kubeconfig = yaml.safe_load(unpacked(stage["stdin"])["files/kube-proxy.kubeconfig"])
        shown = kubeconfig["users"][0]["user"]["client-certificate-data"]
        trusted = kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]
        assert base64.b64decode(shown) == f"{CLIENT_CERTIFICATE}+INTERMEDIATE".encode()
        assert base64.b64decode(trusted) == b"BUNDLE"


class TestPreview:
    """A person reads a change as a change of the live generation."""

    def test_live_generation_depends_on_the_activation(self, deploy: Deploy) -> None:
        assert deploy().depends_on["k8s-node03"] >= {"k8s-node03-activate"}

    def test_live_generation_shows_the_files_but_the_kubeconfig(self, deploy: Deploy) -> None:
        shown = deploy().of_type("kube-proxy:index:LiveGeneration")["k8s-node01"]
        assert shown["configuration"] == {
            "kind": "KubeProxyConfiguration",
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "clientConnection": {"kubeconfig": "/etc/kubernetes/kube-proxy.kubeconfig"},
            "bindAddress": "192.168.99.101",
            "clusterCIDR": "172.30.0.0/16",
            "healthzBindAddress": "192.168.99.101:10256",
            "hostnameOverride": "k8s-node01",
            "metricsBindAddress": "192.168.99.101:10249",
            "mode": "ipvs",
        }
        assert {"kube-proxy.service", "kube-proxy.conf", "modules", "kube-ipvs0.network"} < set(shown)
        assert "kube-proxy.kubeconfig" not in shown


class TestStability:
    """A node's resources change only with its own settings."""

    @staticmethod
    def inputs(recorder: Recorder) -> dict[tuple[str, str], dict[str, object]]:
        return {(resource.name, resource.typ): resource.inputs for resource in recorder.resources}

    def test_same_settings_give_the_same_inputs(self, deploy: Deploy) -> None:
        assert self.inputs(deploy()) == self.inputs(deploy())

    def test_node_stays_the_same_when_others_are_added_removed_or_moved(
        self, deploy: Deploy, settings: Settings
    ) -> None:
        nodes = settings.nodes
        before = self.inputs(deploy())
        after = self.inputs(deploy(nodes=(node(9), nodes[4], nodes[0])))
        same = [each for each in after if each[0].startswith(("k8s-node01", "k8s-node05"))]
        assert len(same) == 12
        assert {each: before[each] for each in same} == {each: after[each] for each in same}

    def test_nodes_own_field_changes_that_node_only(self, deploy: Deploy, settings: Settings) -> None:
        first, *others = settings.nodes
        changed = replace(first, configuration={"mode": "ipvs", "oomScoreAdj": -999})
        before, after = self.inputs(deploy()), self.inputs(deploy(nodes=(changed, *others)))
        assert {each for each in after if before[each] != after[each]} == {
            ("k8s-node01", "kube-proxy:index:LiveGeneration"),
            ("k8s-node01-preflight", COMMAND),
            ("k8s-node01-stage", COMMAND),
            ("k8s-node01-activate", COMMAND),
        }
