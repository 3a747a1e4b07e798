"""The kubernetes plugin and a certificate request: as plugin 4.32 deals with it, by its source."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, status_pb2

from development.pulumi_stand_ins.tests.kubernetes_api import KubernetesApi
from development.pulumi_stand_ins.tests.plugin_process import Plugin, Reply, failure
from development.pulumi_stand_ins.tests.wire import UNKNOWN, properties, secret, struct

REQUEST = "kubernetes:certificates.k8s.io/v1:CertificateSigningRequest"
WAIT_FOR = "jsonpath={$[?@.certificate || @.conditions[?@.type=='Denied' || @.type=='Failed']]}"
ISSUED = {"certificate": "UEVN", "conditions": [{"type": "Approved"}]}


@pytest.fixture(scope="module")
def running_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    with KubernetesApi(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture
def api(running_api: KubernetesApi) -> KubernetesApi:
    running_api.objects.clear()
    running_api.asked.clear()
    return running_api


@pytest.fixture(scope="module")
def running_plugin() -> Iterator[Plugin]:
    with Plugin("kubernetes") as plugin:
        yield plugin


@pytest.fixture
def kubernetes(running_plugin: Plugin, api: KubernetesApi) -> Plugin:
    configure(running_plugin, api.kubeconfig)
    return running_plugin


def configure(plugin: Plugin, kubeconfig: str) -> None:
    plugin.stub.Configure(provider_pb2.ConfigureRequest(args=struct({"kubeconfig": secret(kubeconfig)})))


def inputs(name: str = "a", **annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "annotations": {"pulumi.com/waitFor": WAIT_FOR, **annotations}},
        "spec": {"request": "UA==", "signerName": "s.io/s", "usages": ["client auth"], "expirationSeconds": 3600},
    }


def created(plugin: Plugin, api: KubernetesApi, status: dict[str, Any]) -> Reply:
    """Creates a request, which is answered at once."""
    answered = plugin.create_later(REQUEST, inputs())
    while "a" not in api.objects:
        time.sleep(0.01)
    api.objects["a"] = api.objects["a"] | {"status": status}
    return answered.result(30)


def kept(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """What an error tells the engine to keep in the state."""
    status, detail = status_pb2.Status(), provider_pb2.ErrorResourceInitFailed()
    assert isinstance(error, grpc.Call)
    status.ParseFromString(next(value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"))
    status.details[0].Unpack(detail)
    return detail


class TestProvider:
    def test_what_it_knows(self, kubernetes: Plugin) -> None:
        given = struct({"kubeconfig": "k", "context": "x"})
        answer = kubernetes.stub.CheckConfig(provider_pb2.CheckRequest(news=given))
        assert [failed.property for failed in answer.failures] == ["clusterIdentifier", "context"]

    @pytest.mark.parametrize(
        ("changed", "replaces"), [({}, []), ({"kubeconfig": "other"}, []), ({"clusterIdentifier": "d"}, True)]
    )
    def test_another_kubeconfig_is_no_other_cluster(
        self, kubernetes: Plugin, changed: dict[str, str], replaces: object
    ) -> None:
        old = {"kubeconfig": secret("k"), "clusterIdentifier": "c"}
        request = provider_pb2.DiffRequest(olds=struct(old), news=struct(old | changed))
        answer = kubernetes.stub.DiffConfig(request)
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(changed)
        assert bool(answer.replaces) == bool(replaces)


class TestCheck:
    @pytest.mark.parametrize(
        ("change", "refused"),
        [
            ({"metadata": {"name": "a", "labels": {}}}, "metadata.labels"),
            (
                {"metadata": {"name": "a", "annotations": {"pulumi.com/skipAwait": "true"}}},
                "metadata.annotations.pulumi",
            ),
            ({"metadata": {}}, "metadata.name"),
            ({"spec": {"username": "somebody"}}, "spec.username"),
            ({"status": {}}, "status"),
        ],
    )
    def test_what_it_does_not_know(self, kubernetes: Plugin, change: dict[str, Any], refused: str) -> None:
        (reason,) = kubernetes.reasons(REQUEST, inputs() | change)
        assert reason[0].startswith(refused)

    def test_a_name_may_be_known_later(self, kubernetes: Plugin) -> None:
        assert kubernetes.reasons(REQUEST, inputs(UNKNOWN)) == []


class TestDiff:
    @pytest.mark.parametrize(
        ("new", "told", "replaces"),
        [
            (inputs(), [], []),
            (inputs("b"), ["metadata.name"], ["metadata.name"]),
            (inputs(UNKNOWN), ["metadata.name"], ["metadata.name"]),
            (inputs() | {"spec": inputs()["spec"] | {"usages": ["any"]}}, ["spec.usages[0]"], []),
        ],
    )
    def test_is_of_state_and_inputs_and_asks_nobody(
        self, kubernetes: Plugin, api: KubernetesApi, new: dict[str, Any], told: list[str], replaces: list[str]
    ) -> None:
        state = created(kubernetes, api, ISSUED).state
        api.objects.clear()
        api.asked.clear()
        answer = kubernetes.diff(REQUEST, state, new)
        assert list(answer.detailedDiff) == told
        assert list(answer.replaces) == replaces
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(told)
        assert api.asked == []


class TestCreate:
    def test_waits_until_the_path_selects_something(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        reply = created(kubernetes, api, ISSUED)
        assert reply.id == "a"
        assert reply.state["status"] == ISSUED
        assert reply.state["__inputs"] == inputs()
        post = api.asked[0]
        assert (post.method, post.query) == ("POST", {"fieldManager": "pulumi-kubernetes"})
        assert post.body == inputs()
        assert type(post.body["spec"]["expirationSeconds"]) is int

    def test_a_denial_is_an_answer(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        denied = {"conditions": [{"type": "Denied"}]}
        assert created(kubernetes, api, denied).state["status"] == denied

    def test_one_that_is_not_answered_in_time_is_kept(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs(), timeout=0.1)
        assert failure(raised.value).endswith(
            '::r" was successfully created, but the Kubernetes API server reported that it failed to fully initialize '
            "or become live: timed out waiting for the condition"
        )
        detail = kept(raised.value)
        assert detail.id == "a"
        assert properties(detail.properties)["__inputs"] == inputs()
        assert "a" in api.objects

    def test_an_interrupted_one_is_kept_too(self, api: KubernetesApi) -> None:
        with Plugin("kubernetes") as plugin:
            configure(plugin, api.kubeconfig)
            waiting = plugin.create_later(REQUEST, inputs())
            while "a" not in api.objects:
                time.sleep(0.01)
            plugin.stub.Cancel(Empty())
            with pytest.raises(grpc.RpcError) as raised:
                waiting.result(10)
        assert failure(raised.value).endswith("context canceled")
        assert kept(raised.value).id == "a"

    def test_one_that_exists_is_not_taken_over(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        api.objects["a"] = {}
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs())
        assert 'was not successfully created by the Kubernetes API server: "a" already exists' in failure(raised.value)

    def test_a_preview_only_has_the_api_try(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = kubernetes.create(REQUEST, inputs(), preview=True).state
        assert "status" not in state, "what isn't known yet"
        assert api.asked[0].query["dryRun"] == "All"
        assert api.objects == {}
        assert kubernetes.create(REQUEST, inputs(UNKNOWN), preview=True).state == inputs(UNKNOWN)
        assert len(api.asked) == 1, "not what can't be tried"

    def test_an_api_that_can_not_be_reached(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        configure(kubernetes, api.kubeconfig.replace("https://127.0.0.1:", "https://127.0.0.2:"))
        assert kubernetes.create(REQUEST, inputs(), preview=True).state == inputs()
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs())
        assert failure(raised.value).startswith("configured Kubernetes cluster is unreachable: ")


class TestLater:
    def test_an_update_waits_on(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        again = kubernetes.update(REQUEST, state | {"status": {}}, inputs())
        assert again == state
        patch = api.asked[-1]
        assert (patch.method, patch.query["fieldManager"]) == ("PATCH", state["__fieldManager"])

    def test_an_update_of_what_is_gone_fails(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        api.objects.clear()
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.update(REQUEST, state, inputs())
        assert failure(raised.value).endswith('"a" not found\nunable to get cluster state: "a" not found')

    def test_a_refresh_forgets_what_is_gone(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        assert kubernetes.read(REQUEST, state, inputs()).id == "r"
        api.objects.clear()
        assert kubernetes.read(REQUEST, state, inputs()).id == ""

    @pytest.mark.parametrize(("annotation", "policy"), [({}, "Foreground"), ({"background": ""}, "Background")])
    def test_a_deletion(self, kubernetes: Plugin, api: KubernetesApi, annotation: dict[str, str], policy: str) -> None:
        state = created(kubernetes, api, ISSUED).state
        for value in annotation:
            state["metadata"]["annotations"]["pulumi.com/deletionPropagationPolicy"] = value
        kubernetes.delete(REQUEST, state)
        assert api.asked[-1].body == {"propagationPolicy": policy}
        kubernetes.delete(REQUEST, state)
        assert api.objects == {}, "and again what is gone"
