"""The Service that proves an activation: where it and its endpoints come from."""

from components import report
from tests.scripts import families
from tests.scripts.fake_node import ENDPOINT_SLICES, FakeNode


def proven_service(node: FakeNode) -> object:
    return report.parse("k8s-node01", node.deploy().stdout)["kubernetesService"]


def test_service_must_exist_before_anything_is_changed(node: FakeNode) -> None:
    node.parameters["KUBERNETES_SERVICE"] = "10.0.0.2"
    assert node.fail("stage") == (
        "k8s-node01: stage: the API server https://192.168.99.100:8443 must list a Service with the address 10.0.0.2 "
        "(cluster.kubernetesService) for system:kube-proxy, or no activation can be proven\n"
    )


def test_service_must_have_endpoints_of_its_family(node: FakeNode) -> None:
    node.write("/api/endpointslices", families.endpoint_slices(families.IPV6_SLICE))
    assert "must list IPv4 endpoints of the Service kubernetes in namespace default, or" in node.fail("stage")


def test_endpoints_that_are_not_ready_are_ignored(node: FakeNode) -> None:
    not_ready = "- addresses:\n    - 192.168.99.123\n    conditions:\n      ready: false\n  kind: EndpointSlice"
    node.write("/api/endpointslices", ENDPOINT_SLICES.replace("kind: EndpointSlice", not_ready, 1))
    assert proven_service(node) == "10.0.0.1:443"


def test_ports_with_another_name_are_ignored(node: FakeNode) -> None:
    other = "ports:\n  - name: http\n    port: 8080\n    protocol: TCP\n"
    node.write("/api/endpointslices", ENDPOINT_SLICES.replace("ports:\n", other))
    assert proven_service(node) == "10.0.0.1:443"
