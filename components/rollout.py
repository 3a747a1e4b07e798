"""The fleet: every node is staged first, then a canary is activated, then batches."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeVar

import pulumi
from pulumi_command import remote

from components import engine_options
from components.client_certificate import ClientCertificate
from components.client_certificates import ClientCertificates
from components.deliveries import Deliveries
from components.node import Node
from documents import kubeconfig
from settings import RolloutSettings, Settings

T = TypeVar("T")


class Rollout(pulumi.ComponentResource):
    """All nodes of a stack. A node that fails stops the rollout; the next `pulumi up` continues there."""

    reports: pulumi.Output[dict[str, dict[str, object]]]
    """Each node's report by its name."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        certificates: ClientCertificates,
        trust_bundle_pem: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kube-proxy:index:Rollout", name, None, opts)
        names = [node.name for node in settings.nodes]
        largest = max(map(len, waves(names, settings.rollout)))
        pulumi.log.info(order(names, settings.rollout, engine_options.parallel()), self)
        if pulumi.runtime.is_dry_run() and (advice := engine_options.advice(len(names), largest)):
            pulumi.log.warn(advice, self)
        deliveries = Deliveries(settings.binary)

        @cache
        def kubeconfig_of(certificate: ClientCertificate) -> pulumi.Output[str]:
            pems = pulumi.Output.all(certificate.certificate_pem, certificate.private_key_pem, trust_bundle_pem)
            return pems.apply(
                lambda pems: kubeconfig.render(
                    cluster=settings.cluster,
                    client_certificate_pem=pems[0],
                    client_key_pem=pems[1],
                    certificate_authority_pem=pems[2],
                )
            )

        nodes = []
        for node in settings.nodes:
            certificate = certificates.by_node[node.name]
            nodes.append(Node(node, settings, certificate, kubeconfig_of(certificate), deliveries, self))
        done: Sequence[pulumi.Resource] = [node.staged for node in nodes]
        for number, wave in enumerate(waves(nodes, settings.rollout), start=1):
            barrier = self._barrier(f"{name}-wave-{number}", done)
            done = [node.activate(barrier) for node in wave]
        self.reports = pulumi.Output.all(**{node.name: node.report for node in nodes})
        self.register_outputs({})

    def _barrier(self, name: str, resources: Sequence[pulumi.Resource]) -> Sequence[pulumi.Resource]:
        """Return one resource to depend on instead of all these: it does nothing, but only after them.

        Otherwise each node of a wave would depend on each node of the wave before, and the SDK's work for that grows
        with the cube of the fleet. A command without `create` opens no connection.
        """
        if len(resources) < 2:
            return resources
        opts = pulumi.ResourceOptions(parent=self, depends_on=resources)
        return [remote.Command(name, connection=remote.ConnectionArgs(host="localhost"), opts=opts)]


def order(names: Sequence[str], settings: RolloutSettings, parallel: int) -> str:
    """Return the order of activation and what it costs in one line: `order (…): canary k8s-node01; then k8s-node02`.

    The engine activates `parallel` nodes of a wave at a time.
    """
    shown = [
        ", ".join(wave) if len(wave) < 4 else f"{wave[0]} … {wave[-1]} ({len(wave)})" for wave in waves(names, settings)
    ]
    count = len(shown)
    seconds = settings.min_ready_seconds * sum(-(-len(wave) // parallel) for wave in waves(names, settings))
    cost = f"{count} wave{'s' if count > 1 else ''}, at least {seconds} s if all nodes restart"
    if count > 6:
        shown[3:-1] = [f"{count - 4} more of that size"]
    return f"order ({cost}): {'canary ' if settings.canary else ''}{'; then '.join(shown)}"


def waves(nodes: Sequence[T], settings: RolloutSettings) -> Iterator[Sequence[T]]:
    """Yield the canary nodes, then batches, in the stack's order: every node once."""
    start, end = 0, settings.canary
    while start < len(nodes):
        if end > start:
            yield nodes[start:end]
        start, end = end, end + settings.batch_size(len(nodes))
