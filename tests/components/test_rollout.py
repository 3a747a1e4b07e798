"""What is registered for a fleet: names, order, secrets, and that a node is nobody else's business."""

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
    """A payload's members, past the secret that it is wrapped in."""
    text = standard_input["value"] if isinstance(standard_input, dict) else standard_input
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(str(text)))) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {name: content.read().decode() for name, content in members.items() if content}


def node_commands(recorder: Recorder) -> dict[str, dict[str, object]]:
    """The commands that run on nodes; barriers run nowhere."""
    return {name: inputs for name, inputs in recorder.of_type(COMMAND).items() if name.startswith("k8s-")}


class TestNames:
    """A renamed type or resource would be deleted and created again, on every node of every stack."""

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

    def test_a_preinstalled_binary_is_not_copied(self, deploy: Deploy) -> None:
        recorder = deploy(binary=Binary("1.36.2", BinarySource.PREINSTALLED, None, None, {}))
        assert recorder.of_type("command:remote:CopyToRemote") == {}


class TestOrder:
    """Everything is staged everywhere before anything is activated anywhere; then canary, then batches."""

    def test_stages_come_before_every_activation(self, deploy: Deploy) -> None:
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
    def test_a_preview_says_the_order_in_one_line(self, nodes: int, rollout: RolloutSettings, line: str) -> None:
        assert order([f"node{number}" for number in range(nodes)], rollout) == line

    def test_a_barrier_contacts_nobody(self, deploy: Deploy) -> None:
        commands = deploy().of_type(COMMAND)
        barriers = {name: inputs for name, inputs in commands.items() if name.startswith("rollout-")}
        assert set(barriers) == {"rollout-wave-1", "rollout-wave-3", "rollout-wave-4"}, "not behind a single node"
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
    def test_wave_sizes(self, rollout: RolloutSettings, sizes: list[int]) -> None:
        nodes = [node(index) for index in range(6)]
        assert [len(wave) for wave in waves(nodes, rollout)] == sizes


class TestSecrets:
    """Keys are in standard input, as a secret, and nowhere else."""

    def test_no_key_in_what_is_shown_or_printed(self, deploy: Deploy) -> None:
        for resource in deploy().resources:
            shown = {key: value for key, value in resource.inputs.items() if key not in ("stdin", "connection")}
            if resource.typ.startswith("tls:"):
                continue
            for secret in ("CA-KEY", "SSH-KEY", CLIENT_KEY, base64.b64encode(CLIENT_KEY.encode()).decode()):
                assert secret not in repr(shown), f"{resource.name} shows {secret}"

    def test_the_ca_key_reaches_no_node(self, deploy: Deploy) -> None:
        for name, inputs in node_commands(deploy()).items():
            assert "CA-KEY" not in repr(unpacked(inputs["stdin"])), name

    def test_the_kubeconfig_goes_to_the_stage_only(self, deploy: Deploy) -> None:
        holders = {
            name.rpartition("-")[2]
            for name, inputs in node_commands(deploy()).items()
            if "files/kube-proxy.kubeconfig" in unpacked(inputs["stdin"])
        }
        assert holders == {"stage"}

    def test_commands_never_put_output_into_the_environment_or_have_triggers(self, deploy: Deploy) -> None:
        for inputs in node_commands(deploy()).values():
            assert inputs["addPreviousOutputInEnv"] is False
            assert "triggers" not in inputs
            assert "environment" not in inputs


class TestKubeconfig:
    """What a node's kubeconfig is made of."""

    def test_a_client_shows_its_issuers_and_trusts_the_bundle(self, deploy: Deploy, settings: Settings) -> None:
        assert isinstance(settings.certificate_authority, CAWithKey)
        authority = replace(settings.certificate_authority, chain_pem="+INTERMEDIATE", trust_bundle_pem="BUNDLE")
        stage = node_commands(deploy(certificate_authority=authority))["k8s-node01-stage"]
        kubeconfig = yaml.safe_load(unpacked(stage["stdin"])["files/kube-proxy.kubeconfig"])
        shown = kubeconfig["users"][0]["user"]["client-certificate-data"]
        trusted = kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]
        assert base64.b64decode(shown) == f"{CLIENT_CERTIFICATE}+INTERMEDIATE".encode()
        assert base64.b64decode(trusted) == b"BUNDLE"


class TestPreview:
    """A person reads the change on the node's live generation, which reaches the state once it is live."""

    def test_a_live_generation_waits_for_the_activation(self, deploy: Deploy) -> None:
        assert deploy().depends_on["k8s-node03"] >= {"k8s-node03-activate"}

    def test_a_live_generation_shows_the_documents(self, deploy: Deploy) -> None:
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
        assert {"unit", "environment", "kernelModules", "networkFile"} < set(shown)


class TestStability:
    """Nothing changes where nothing was changed."""

    @staticmethod
    def inputs(recorder: Recorder) -> dict[tuple[str, str], dict[str, object]]:
        return {(resource.name, resource.typ): resource.inputs for resource in recorder.resources}

    def test_the_same_settings_give_the_same_inputs(self, deploy: Deploy) -> None:
        assert self.inputs(deploy()) == self.inputs(deploy())

    def test_other_nodes_come_go_and_move_without_a_change_to_one(self, deploy: Deploy, settings: Settings) -> None:
        nodes = settings.nodes
        before = self.inputs(deploy())
        after = self.inputs(deploy(nodes=(node(9), nodes[4], nodes[0])))
        same = [each for each in after if each[0].startswith(("k8s-node01", "k8s-node05"))]
        assert len(same) == 12
        assert {each: before[each] for each in same} == {each: after[each] for each in same}

    def test_a_nodes_own_field_changes_that_node_only(self, deploy: Deploy, settings: Settings) -> None:
        first, *others = settings.nodes
        changed = replace(first, configuration={"mode": "ipvs", "oomScoreAdj": -999})
        before, after = self.inputs(deploy()), self.inputs(deploy(nodes=(changed, *others)))
        assert {each for each in after if before[each] != after[each]} == {
            ("k8s-node01", "kube-proxy:index:LiveGeneration"),
            ("k8s-node01-preflight", COMMAND),
            ("k8s-node01-stage", COMMAND),
            ("k8s-node01-activate", COMMAND),
        }
