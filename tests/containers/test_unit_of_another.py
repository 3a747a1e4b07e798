"""A node with a history: a kube-proxy that was set up by hand is taken over with the stack's consent, and comes back on removal.

It is laid out as by Kubernetes the Hard Way and by kubeasz. Its unit is in /etc/systemd/system, where it wins over ours; its files are
in /var/lib/kube-proxy, with certificates beside the kubeconfig; its binary is a link.
"""

import pytest

from tests.lab import generations, layouts, probe
from tests.lab.cluster import UP, Cluster
from tests.lab.layouts import Layout

pytestmark = pytest.mark.xdist_group("containers")

DESTROY = ("destroy", *UP[1:])
UNIT = "/etc/systemd/system/kube-proxy.service"
LAYOUT = Layout(
    title="a node with a history",
    unit=UNIT,
    service="""\
ExecStart=/usr/local/bin/kube-proxy --config=/var/lib/kube-proxy/kube-proxy-config.yaml
Restart=on-failure
RestartSec=5""",
    kubeconfig="/var/lib/kube-proxy/kubeconfig",
    files={
        "/var/lib/kube-proxy/kube-proxy-config.yaml": """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: 172.30.0.0/16
conntrack: {maxPerCore: 0}
clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig}
hostnameOverride: NAME
"""
    },
    certificates="/var/lib/kube-proxy",
    binary="/opt/kube/bin/kube-proxy",
    links={layouts.BINARY: "/opt/kube/bin/kube-proxy"},
)


def test_unit_that_hides_ours_is_taken_over_without_a_failed_request_and_given_back(deployed: Cluster) -> None:
    """After a change, too. The stack has no resources afterwards; the files after this one deploy for themselves."""
    node, text = deployed.nodes[0], deployed.configuration_file.read_text()
    assert deployed.pulumi(*DESTROY).status == 0
    try:
        layouts.set_up(deployed, node, LAYOUT)
        before, starts = layouts.state(node), generations.starts(node)
        deployed.list_nodes(lambda nodes: nodes[:1])
        deployed.configure(lambda values: values["rollout"].update(takeOver=True))
        with probe.probed([node]) as answers:
            result = deployed.up()
        assert result.status == 0, result.output
        assert f"takes over kube-proxy.service from {UNIT}, which is kept" in result.output
        assert not answers[node.name].failed, str(answers[node.name])
        assert generations.starts(node) - starts == 1

        deployed.configure(lambda values: values["configuration"].update(configSyncPeriod="13m0s"))
        generations.assert_up_converges(deployed, [node])
        result = deployed.pulumi(*DESTROY)
        assert result.status == 0, result.output
        assert layouts.state(node) == before
        layouts.await_service(node)
    finally:
        deployed.pulumi(*DESTROY)
        deployed.configuration_file.write_text(text)
        layouts.remove(node, LAYOUT)
