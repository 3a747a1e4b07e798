"""What is live on a node, in plain text: `pulumi preview --diff` shows a change of it field by field.

The node's commands carry the same as one secret, of which a preview shows nothing (docs/decisions/0001).
"""

from collections.abc import Mapping

import pulumi

from components import generation
from components.remote_script import scripts_digest
from documents import kube_proxy_configuration
from settings import NodeSettings, Settings


class LiveGeneration(pulumi.ComponentResource):
    """A node's files without secrets, and what else makes its stages run again.

    It must depend on the node's activation: then its inputs reach the state only once they are live, and every preview
    until then shows the change (docs/decisions/0011).

    It registers no outputs. With `--continue-on-error` the engine skips it after a failed activation, and a skipped
    component that registers outputs ends the whole run.
    """

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        files: Mapping[str, str],
        digest: pulumi.Output[str],
        certificate_not_after: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs: dict[str, object] = {name: text for name, text in files.items() if name != generation.CONFIGURATION}
        inputs |= {
            "configuration": kube_proxy_configuration.document(node, settings.cluster),
            "address": node.address,
            "ssh": f"{node.ssh.user}@{node.ssh.host}:{node.ssh.port}",
            "server": settings.cluster.server,
            "tlsServerName": settings.cluster.tls_server_name,
            "proxyURL": settings.cluster.proxy_url,
            "kubernetesService": settings.cluster.kubernetes_service,
            "healthTimeoutSeconds": settings.rollout.health_timeout_seconds,
            "minReadySeconds": settings.rollout.min_ready_seconds,
            "removeForeignVirtualServers": settings.rollout.remove_foreign_virtual_servers,
            "certificateNotAfter": certificate_not_after,
            "generation": digest,
            "scripts": scripts_digest(),
        }
        super().__init__("kube-proxy:index:LiveGeneration", node.name, inputs, opts)
