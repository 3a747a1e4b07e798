"""A worker: one command checks it and stages its files as a generation beside the live one, another activates them."""

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_command import remote

from components import generation, report
from components.client_certificate import ClientCertificate
from components.deliveries import Deliveries
from components.delivery import Delivery, command, removal_command
from components.description import describe
from components.parameters import certificate_parameters, node_parameters, stack_name
from components.privilege import password_line
from components.stages import ACTIVATE, PREFLIGHT, STAGE
from settings import SSH, NodeSettings, Settings


class Node:
    """kube-proxy on a worker. It is staged at once, and activated when the rollout calls `activate`."""

    name: str
    staged: remote.Command
    """The rollout waits for this on every node before it activates any."""
    report: pulumi.Output[dict[str, object]]
    """The node's report of its activation (components/report.py)."""

    def __init__(
        self,
        node: NodeSettings,
        settings: Settings,
        certificate: ClientCertificate,
        kubeconfig: pulumi.Output[str],
        deliveries: Deliveries,
        parent: pulumi.Resource,
    ) -> None:
        self.name = node.name
        self._node, self._certificate, self._deliveries, self._parent = node, certificate, deliveries, parent
        self._connection = _connection(node.ssh)
        files, parameters = generation.render(settings, node), node_parameters(settings, node, stack_name())
        self._delivery = pulumi.Output.all(kubeconfig, certificate.not_before, certificate.not_after).apply(
            lambda values: Delivery(
                parameters | certificate_parameters(*values[1:]), {**files, generation.KUBECONFIG: values[0]}
            )
        )
        self._digest = pulumi.Output.unsecret(self._delivery.apply(lambda delivery: delivery.digest))
        self._description = describe(settings, node, files)
        self.staged = self._command(
            STAGE.name, self._digest.apply(lambda digest: command(node.ssh, digest, PREFLIGHT, STAGE)), after=[]
        )

    def activate(self, after: Sequence[pulumi.Resource]) -> remote.Command:
        """Switch the node to its staged generation once the given resources are done."""
        asks = self._node.ssh.sudo_password is not None
        activation = self._command(
            ACTIVATE.name,
            self._digest.apply(lambda digest: command(self._node.ssh, digest, ACTIVATE)),
            after=[self.staged, *after],
            # Nothing on the node reads this: it is what a preview shows until it is live (docs/decisions/0011).
            stdin=None if asks else self._description,
            delete=removal_command(self._node.ssh, self.name, stack_name()),
        )
        if asks:
            # Standard input has the password, so it is a secret. This takes its place in a preview, and runs nothing.
            opts = pulumi.ResourceOptions(parent=self._parent, depends_on=[activation])
            no_host = remote.ConnectionArgs(host="localhost")
            remote.Command(f"{self.name}-documents", connection=no_host, stdin=self._description, opts=opts)
        self.report = pulumi.Output.all(activation.stdout, self._certificate.not_after).apply(
            lambda outputs: report.parse(self.name, outputs[0]) | {"certificateNotAfter": outputs[1]}
        )
        return activation

    def _command(
        self,
        stage: str,
        create: pulumi.Output[str],
        after: Sequence[pulumi.Resource],
        stdin: str | None = None,
        delete: str | None = None,
    ) -> remote.Command:
        """Register a command. It runs again when an input changes.

        There are no triggers: they would replace the command. When an activation is replaced by hand, its deletion must
        come first, or it would remove what has just been activated.
        """
        name = f"{self.name}-{stage}"
        self._deliveries.plan(name, self._node, self._delivery)
        hooks = [self._deliveries.hook]
        return remote.Command(
            name,
            connection=self._connection,
            create=create,
            delete=delete,
            stdin=pulumi.Output.secret(password_line(self._node.ssh)) if self._node.ssh.sudo_password else stdin,
            add_previous_output_in_env=False,
            logging=remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(
                parent=self._parent,
                depends_on=after,
                delete_before_replace=True,
                hooks=pulumi.ResourceHookBinding(before_create=[*hooks], before_update=[*hooks]),
                # Until 2026-11-26 each node had a component that was the parent of its commands.
                aliases=[_urn_below_a_node(name)],
            ),
        )


def _urn_below_a_node(name: str) -> str:
    types = "kube-proxy:index:Rollout$kube-proxy:index:Node$command:remote:Command"
    return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{types}::{name}"


def _connection(ssh: SSH) -> remote.ConnectionArgs:
    # A busy sshd drops connections (MaxStartups), and the bastion's has the logins of all nodes. A deletion has no host
    # check before it, so a key that a node refuses counts as often as it is tried: fail2ban's default limit is five.
    proxy = remote.ProxyConnectionArgs(**_login(ssh.bastion), dial_error_limit=6) if ssh.bastion else None
    return remote.ConnectionArgs(**_login(ssh), dial_error_limit=3, proxy=proxy)


def _login(ssh: SSH) -> dict[str, Any]:
    return {
        "host": ssh.host,
        "port": ssh.port,
        "user": ssh.user,
        "private_key": pulumi.Output.secret(ssh.private_key.get_secret_value()) if ssh.private_key else None,
        "host_key": ssh.host_key,
        "per_dial_timeout": 10,
    }
