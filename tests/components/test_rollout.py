"""The resources of a fleet: names, order, secrets, and that a change of one node changes no other."""

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from components.rollout import order, waves
from development.pulumi_stand_ins.tests.wire import secret
from settings import CAWithKey, RolloutSettings, Settings
from settings.stack import UnitDirectory
from tests.components.recorder import CLIENT_CERTIFICATE, CLIENT_KEY, Deploy, Recorder, node
from tests.components.test_certificate_authority import kubeconfig, trusted

COMMAND = "command:remote:Command"


def node_commands(recorder: Recorder) -> dict[str, dict[str, object]]:
    """The commands that run on nodes; barriers don't."""
    return {name: inputs for name, inputs in recorder.of_type(COMMAND).items() if name.startswith("k8s-")}


def value_of(given: Any) -> Any:
    """The value of a secret, or the value itself."""
    return given.get("value", given)


class TestNames:
    """A renamed type or resource would be deleted and created again on every node of every stack."""

    def test_types_and_names_of_a_node(self, deploy: Deploy) -> None:
        registered = [(r.typ, r.name) for r in deploy().resources if "k8s-node03" in r.name]
        assert sorted(registered) == [
            (COMMAND, "k8s-node03-activate"),
            (COMMAND, "k8s-node03-stage"),
        ]


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
            (
                1,
                RolloutSettings(canary=1, max_unavailable="25%"),
                "order (1 wave, at least 10 s if all nodes restart): canary node0",
            ),
            (
                4,
                RolloutSettings(canary=1, max_unavailable=2),
                "order (3 waves, at least 30 s if all nodes restart): canary node0; then node1, node2; then node3",
            ),
            (
                9,
                RolloutSettings(canary=0, max_unavailable=5, min_ready_seconds=0),
                "order (2 waves, at least 0 s if all nodes restart): node0 … node4 (5); then node5 … node8 (4)",
            ),
            (
                300,
                RolloutSettings(canary=1, max_unavailable="10%"),
                "order (11 waves, at least 210 s if all nodes restart): canary node0; then node1 … node30 (30); "
                "then node31 … node60 (30); then 7 more of that size; then node271 … node299 (29)",
            ),
        ],
    )
    def test_order_is_one_line(self, nodes: int, rollout: RolloutSettings, line: str) -> None:
        assert order([f"node{number}" for number in range(nodes)], rollout, parallel=16) == line

    def test_barrier_runs_no_command(self, deploy: Deploy) -> None:
        commands = deploy().of_type(COMMAND)
        barriers = {name: inputs for name, inputs in commands.items() if name.startswith("rollout-")}
        assert set(barriers) == {"rollout-wave-1", "rollout-wave-3", "rollout-wave-4"}, "a single node needs none"
        for inputs in barriers.values():
            assert not {"create", "update", "delete"} & set(inputs)

    @pytest.mark.parametrize(
        ("rollout", "sizes"),
        [
            (RolloutSettings(canary=1, max_unavailable="25%"), [1, 2, 2, 1]),
            (RolloutSettings(canary=0, max_unavailable="1%"), [1, 1, 1, 1, 1, 1]),
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
    """What a node needs is delivered; only the SSH key is among a command's inputs."""

    def test_no_key_is_in_an_input_that_pulumi_shows(self, deploy: Deploy) -> None:
        for resource in deploy().resources:
            shown = {name: value for name, value in resource.inputs.items() if name != "connection"}
            if resource.typ.startswith("tls:"):
                continue
            for key in ("CA-KEY", "SSH-KEY", CLIENT_KEY, base64.b64encode(CLIENT_KEY.encode()).decode()):
                assert key not in repr(shown), f"{resource.name} shows {key}"

    def test_inputs_of_a_node_are_small(self, deploy: Deploy) -> None:
        for name, inputs in node_commands(deploy()).items():
            assert len(repr(inputs)) < 4000, name

    def test_commands_have_no_environment_and_no_triggers(self, deploy: Deploy) -> None:
        for inputs in node_commands(deploy()).values():
            assert inputs["addPreviousOutputInEnv"] is False
            assert "triggers" not in inputs
            assert "environment" not in inputs


class TestDeliveries:
    def test_same_delivery_serves_the_commands_of_a_node_which_have_its_digest(self, deploy: Deploy) -> None:
        recorder = deploy()
        for name in ("k8s-node01", "k8s-node02"):
            delivery = recorder.deliveries[f"{name}-stage"]
            assert recorder.deliveries[f"{name}-activate"] is delivery
            run = f"exec /bin/sh /var/lib/kube-proxy-generations/deliveries/{delivery.digest}/run.sh"
            commands = node_commands(recorder)
            assert commands[f"{name}-stage"]["create"] == f"{run} preflight stage"
            assert commands[f"{name}-activate"]["create"] == f"{run} activate"

    def test_ca_key_is_sent_to_no_node(self, deploy: Deploy) -> None:
        assert "CA-KEY" not in repr(deploy().deliveries)

    def test_kubeconfig_has_the_clients_issuers_and_the_trust_bundle(self, deploy: Deploy, settings: Settings) -> None:
        assert isinstance(settings.certificate_authority, CAWithKey)
        authority = replace(settings.certificate_authority, chain_pem="+INTERMEDIATE", trust_bundle_pem="BUNDLE")
        recorder = deploy(certificate_authority=authority)
        user = kubeconfig(recorder)["users"][0]["user"]
        assert base64.b64decode(user["client-certificate-data"]) == f"{CLIENT_CERTIFICATE}+INTERMEDIATE".encode()
        assert trusted(recorder) == b"BUNDLE"


class TestBastion:
    def test_commands_go_through_it(self, deploy: Deploy, settings: Settings) -> None:
        direct = settings.nodes[0]
        login = replace(direct.ssh, bastion=replace(direct.ssh, host="10.0.0.1", user="jump"))
        recorder = deploy(nodes=(replace(direct, ssh=login),))
        for name in ("stage", "activate"):
            connection = value_of(node_commands(recorder)[f"k8s-node01-{name}"]["connection"])
            assert (connection["host"], connection["user"]) == ("192.168.99.101", "root")
            proxy = value_of(connection["proxy"])
            assert (proxy["host"], proxy["user"], proxy["hostKey"]) == ("10.0.0.1", "jump", "ssh-ed25519 AAAA")
        shown = yaml.safe_load(str(node_commands(recorder)["k8s-node01-activate"]["stdin"]))
        assert shown["bastion"] == "jump@10.0.0.1:22"

    def test_a_node_is_tried_less_often_than_fail2ban_allows_and_a_busy_bastion_more(
        self, deploy: Deploy, settings: Settings
    ) -> None:
        direct = settings.nodes[0]
        recorder = deploy(nodes=(replace(direct, ssh=replace(direct.ssh, bastion=direct.ssh)),))
        connection = value_of(node_commands(recorder)["k8s-node01-activate"]["connection"])
        tries = [1 + it["dialErrorLimit"] for it in (connection, value_of(connection["proxy"]))]
        assert tries == [4, 7]

    def test_connections_without_one_have_no_new_input(self, deploy: Deploy) -> None:
        """A changed connection runs the command again."""
        connection = value_of(node_commands(deploy())["k8s-node01-activate"]["connection"])
        assert set(connection) == {"host", "port", "user", "privateKey", "hostKey", "dialErrorLimit", "perDialTimeout"}


class TestSudoPassword:
    """Standard input has the password. A command that runs nothing shows what changes."""

    @pytest.fixture
    def recorder(self, deploy: Deploy, settings: Settings) -> Recorder:
        login = replace(settings.nodes[0].ssh, user="deploy", sudo_password=SecretStr("hunter2"))
        return deploy(nodes=(replace(settings.nodes[0], ssh=login),))

    def test_commands_get_the_password_on_standard_input(self, recorder: Recorder) -> None:
        commands = node_commands(recorder)
        assert [commands[f"k8s-node01-{name}"]["stdin"] for name in ("stage", "activate")] == 2 * [secret("hunter2\n")]
        assert "hunter2" not in repr([{**inputs, "stdin": None} for inputs in commands.values()])

    def test_documents_are_shown_until_they_are_live(self, recorder: Recorder, deploy: Deploy) -> None:
        documents = node_commands(recorder)["k8s-node01-documents"]
        assert recorder.depends_on["k8s-node01-documents"] == {"k8s-node01-activate"}
        assert not {"create", "update", "delete"} & set(documents), "it opens no connection"
        shown = {line for line in str(documents["stdin"]).splitlines() if not line.startswith("ssh:")}
        assert shown < set(str(node_commands(deploy())["k8s-node01-activate"]["stdin"]).splitlines())


class TestPreview:
    """A person reads a change in the activation's standard input, which is YAML."""

    def test_activation_shows_the_files_but_the_kubeconfig(self, deploy: Deploy) -> None:
        shown = yaml.safe_load(str(node_commands(deploy())["k8s-node01-activate"]["stdin"]))
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
        assert "unitDirectory" not in shown

    def test_activation_shows_another_directory_of_the_unit(self, deploy: Deploy, settings: Settings) -> None:
        """That of the binary is in the unit."""
        service = settings.service.model_copy(update={"unit_directory": UnitDirectory.ETC})
        shown = yaml.safe_load(str(node_commands(deploy(service=service))["k8s-node01-activate"]["stdin"]))
        assert shown["unitDirectory"] == "/etc/systemd/system"


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
        assert len(same) == 4
        assert {each: before[each] for each in same} == {each: after[each] for each in same}

    def test_nodes_own_field_changes_that_node_only(self, deploy: Deploy, settings: Settings) -> None:
        first, *others = settings.nodes
        changed = replace(first, configuration={"mode": "ipvs", "oomScoreAdj": -999})
        before, after = self.inputs(deploy()), self.inputs(deploy(nodes=(changed, *others)))
        assert {each for each in after if before[each] != after[each]} == {
            ("k8s-node01-stage", COMMAND),
            ("k8s-node01-activate", COMMAND),
        }
