"""The kubernetes plugin and certificate requests, after the source of pulumi-kubernetes 4.32."""

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
    running_api.requests.clear()
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
    """Create a request, which is answered at once with that status."""
    answered = plugin.create_later(REQUEST, inputs())
    while "a" not in api.objects:
        time.sleep(0.01)
    api.objects["a"] = api.objects["a"] | {"status": status}
    return answered.result(30)


def kept_resource(error: grpc.RpcError) -> provider_pb2.ErrorResourceInitFailed:
    """Return the resource that the engine keeps in the state after this error."""
    status, detail = status_pb2.Status(), provider_pb2.ErrorResourceInitFailed()
    assert isinstance(error, grpc.Call)
    status.ParseFromString(next(value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"))
    status.details[0].Unpack(detail)
    return detail


class TestProvider:
    def test_provider_requires_kubeconfig_and_cluster_identifier_and_knows_no_other(self, kubernetes: Plugin) -> None:
        given = struct({"kubeconfig": "k", "context": "x"})
        answer = kubernetes.stub.CheckConfig(provider_pb2.CheckRequest(news=given))
        assert [failed.property for failed in answer.failures] == ["clusterIdentifier", "context"]

    @pytest.mark.parametrize(
        ("changed", "replaces"), [({}, []), ({"kubeconfig": "other"}, []), ({"clusterIdentifier": "d"}, True)]
    )
    def test_only_another_cluster_identifier_replaces_the_provider(
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
            ({"spec": {"username": "u"}}, "spec.username"),
            ({"status": {}}, "status"),
        ],
    )
    def test_unknown_inputs_are_refused(self, kubernetes: Plugin, change: dict[str, Any], refused: str) -> None:
        (reason,) = kubernetes.check_failures(REQUEST, inputs() | change)
        assert reason[0].startswith(refused)

    def test_name_may_be_unknown_in_a_preview(self, kubernetes: Plugin) -> None:
        assert kubernetes.check_failures(REQUEST, inputs(UNKNOWN)) == []


class TestDiff:
    @pytest.mark.parametrize(
        ("new", "changed", "replaces"),
        [
            (inputs(), [], []),
            (inputs("b"), ["metadata.name"], ["metadata.name"]),
            (inputs(UNKNOWN), ["metadata.name"], ["metadata.name"]),
            (inputs() | {"spec": inputs()["spec"] | {"usages": ["any"]}}, ["spec.usages[0]"], []),
        ],
    )
    def test_diff_compares_state_and_inputs_without_the_api(
        self, kubernetes: Plugin, api: KubernetesApi, new: dict[str, Any], changed: list[str], replaces: list[str]
    ) -> None:
        state = created(kubernetes, api, ISSUED).state
        api.objects.clear()
        api.requests.clear()
        answer = kubernetes.diff(REQUEST, state, new)
        assert list(answer.detailedDiff) == changed
        assert list(answer.replaces) == replaces
        assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(changed)
        assert api.requests == []


class TestCreate:
    def test_create_waits_until_the_path_selects_something(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        reply = created(kubernetes, api, ISSUED)
        assert reply.id == "a"
        assert reply.state["status"] == ISSUED
        assert reply.state["__inputs"] == inputs()
        post = api.requests[0]
        assert (post.method, post.query) == ("POST", {"fieldManager": "pulumi-kubernetes"})
        assert post.body == inputs()
        assert type(post.body["spec"]["expirationSeconds"]) is int

    def test_denied_request_ends_the_wait(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        denied = {"conditions": [{"type": "Denied"}]}
        assert created(kubernetes, api, denied).state["status"] == denied

    def test_request_that_times_out_is_kept(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs(), timeout=0.1)
        assert failure(raised.value).endswith(
            '::r" was successfully created, but the Kubernetes API server reported that it failed to fully initialize '
            "or become live: timed out waiting for the condition"
        )
        detail = kept_resource(raised.value)
        assert detail.id == "a"
        assert properties(detail.properties)["__inputs"] == inputs()
        assert "a" in api.objects

    def test_cancelled_request_is_kept(self, api: KubernetesApi) -> None:
        with Plugin("kubernetes") as plugin:
            configure(plugin, api.kubeconfig)
            waiting = plugin.create_later(REQUEST, inputs())
            while "a" not in api.objects:
                time.sleep(0.01)
            plugin.stub.Cancel(Empty())
            with pytest.raises(grpc.RpcError) as raised:
                waiting.result(10)
        assert failure(raised.value).endswith("context canceled")
        assert kept_resource(raised.value).id == "a"

    def test_existing_request_is_not_taken_over(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        api.objects["a"] = {}
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs())
        assert 'was not successfully created by the Kubernetes API server: "a" already exists' in failure(raised.value)

    def test_preview_is_a_dry_run_if_all_inputs_are_known(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = kubernetes.create(REQUEST, inputs(), preview=True).state
        assert "status" not in state, "it is not known yet"
        assert api.requests[0].query["dryRun"] == "All"
        assert api.objects == {}
        assert kubernetes.create(REQUEST, inputs(UNKNOWN), preview=True).state == inputs(UNKNOWN)
        assert len(api.requests) == 1, "no dry run with unknown inputs"

    def test_unreachable_api_fails_an_update_but_not_a_preview(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        configure(kubernetes, api.kubeconfig.replace("https://127.0.0.1:", "https://127.0.0.2:"))
        assert kubernetes.create(REQUEST, inputs(), preview=True).state == inputs()
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.create(REQUEST, inputs())
        assert failure(raised.value).startswith("configured Kubernetes cluster is unreachable: ")


class TestUpdateReadAndDelete:
    def test_update_continues_to_wait(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        again = kubernetes.update(REQUEST, state | {"status": {}}, inputs())
        assert again == state
        patch = api.requests[-1]
        assert (patch.method, patch.query["fieldManager"]) == ("PATCH", state["__fieldManager"])

    def test_update_of_a_deleted_request_fails(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        api.objects.clear()
        with pytest.raises(grpc.RpcError) as raised:
            kubernetes.update(REQUEST, state, inputs())
        assert failure(raised.value).endswith('"a" not found\nunable to get cluster state: "a" not found')

    def test_refresh_forgets_a_deleted_request(self, kubernetes: Plugin, api: KubernetesApi) -> None:
        state = created(kubernetes, api, ISSUED).state
        assert kubernetes.read(REQUEST, state, inputs()).id == "r"
        api.objects.clear()
        assert kubernetes.read(REQUEST, state, inputs()).id == ""

    @pytest.mark.parametrize(("annotation", "policy"), [({}, "Foreground"), ({"background": ""}, "Background")])
    def test_delete_has_the_annotated_propagation_policy_and_can_be_repeated(
        self, kubernetes: Plugin, api: KubernetesApi, annotation: dict[str, str], policy: str
    ) -> None:
        state = created(kubernetes, api, ISSUED).state
        for value in annotation:
            state["metadata"]["annotations"]["pulumi.com/deletionPropagationPolicy"] = value
        kubernetes.delete(REQUEST, state)
        assert api.requests[-1].body == {"propagationPolicy": policy}
        kubernetes.delete(REQUEST, state)
        assert api.objects == {}
