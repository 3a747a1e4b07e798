"""What a person reads of a node in a preview: `pulumi preview --diff` compares this text field by field."""

from collections.abc import Mapping

from components import generation
from documents import kube_proxy_configuration, yaml_writer
from settings import SSH, NodeSettings, Service, Settings


def describe(settings: Settings, node: NodeSettings, files: Mapping[str, str]) -> str:
    """Return YAML: the node's files without secrets, and what else the stack sets for its deployment."""
    cluster, rollout, service = settings.cluster, settings.rollout, settings.service
    fields = {
        "configuration": kube_proxy_configuration.document(node, cluster),
        **{name: text for name, text in files.items() if name != generation.CONFIGURATION},
        "unitDirectory": None if service.unit_directory == Service().unit_directory else service.unit_directory.value,
        "address": str(node.address),
        "ssh": _login(node.ssh),
        "bastion": _login(node.ssh.bastion) if node.ssh.bastion else None,
        "server": cluster.server,
        "tlsServerName": cluster.tls_server_name,
        "proxyURL": cluster.proxy_url,
        "kubernetesService": str(cluster.kubernetes_service) if cluster.kubernetes_service else None,
        "healthTimeoutSeconds": rollout.health_timeout_seconds,
        "minReadySeconds": rollout.min_ready_seconds,
        "takeOver": rollout.take_over or None,
        "handover": rollout.handover,
        "connectionDrainSeconds": rollout.connection_drain_seconds,
        "removeForeignVirtualServers": rollout.remove_foreign_virtual_servers,
    }
    return yaml_writer.dump({name: value for name, value in fields.items() if value is not None})


def _login(ssh: SSH) -> str:
    return f"{ssh.user}@{ssh.host}:{ssh.port}"
