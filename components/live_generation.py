"""What is live on a node, in plain: here a person reads a change in `pulumi preview --diff`, field by field.

The node's commands carry the same as one secret, of which a preview shows nothing (docs/decisions/0001).
"""

import pulumi

import documents.kube_proxy_configuration
from components.generation import Documents
from components.remote_script import scripts_digest
from settings import NodeSettings, Settings


class LiveGeneration(pulumi.ComponentResource):
    """A node's documents and what else decides whether its stages run again.

    Give `opts` a dependency on the node's activation: then the inputs reach the state only once they are live, and each
    preview shows the change until that has happened (docs/decisions/0011).

    It registers no outputs. With `--continue-on-error` the engine skips it after a failed activation, and a skipped
    component that registers outputs ends the whole run.
    """

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        texts: Documents,
        generation: pulumi.Output[str],
        certificate_not_after: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {
            "address": node.address,
            "ssh": f"{node.ssh.user}@{node.ssh.host}:{node.ssh.port}",
            "configuration": documents.kube_proxy_configuration.document(node, settings.cluster),
            "unit": texts.unit,
            "environment": texts.environment,
            "kernelModules": texts.kernel_modules,
            "networkFile": texts.network_file,
            "binary": texts.binary,
            "server": settings.cluster.server,
            "tlsServerName": settings.cluster.tls_server_name,
            "proxyURL": settings.cluster.proxy_url,
            "kubernetesService": settings.cluster.kubernetes_service,
            "healthTimeoutSeconds": settings.rollout.health_timeout_seconds,
            "minReadySeconds": settings.rollout.min_ready_seconds,
            "removeForeignVirtualServers": settings.rollout.remove_foreign_virtual_servers,
            "certificateNotAfter": certificate_not_after,
            "generation": generation,
            "scripts": scripts_digest(),
        }
        super().__init__("kube-proxy:index:LiveGeneration", node.name, inputs, opts)
