"""One worker: its files rendered, staged as a generation beside the live one, and activated."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceHookFunction
from pulumi_command import remote

import documents.kubeconfig
from components import generation, report
from components.client_certificate import ClientCertificate
from components.host_check import host_check
from components.live_generation import LiveGeneration
from components.parameters import certificate_parameters, node_parameters
from components.remote_script import payload, remote_script
from components.stages import ACTIVATE, BINARY, PREFLIGHT, REMOVE, STAGE, Stage
from components.uploaded_binary import binary_check, remote_path
from settings import NodeSettings, Settings


@dataclass(frozen=True)
class NodeArgs:
    """What a node's resources are made of."""

    node: NodeSettings
    settings: Settings
    certificate: ClientCertificate
    trust_bundle_pem: pulumi.Output[str]
    """What the node verifies the API servers by."""


class Node(pulumi.ComponentResource):
    """A worker's kube-proxy. Made staged; :meth:`activate` switches to it when the rollout says so."""

    name: str
    staged: remote.Command
    """What a rollout waits for before it activates anything."""
    report: pulumi.Output[dict[str, object]]
    """What the node said when it was activated (components/report.py)."""

    def __init__(self, name: str, args: NodeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kube-proxy:index:Node", name, None, opts)
        self.name, self._args = name, args
        self._documents = generation.render(args.settings, args.node)
        self._files = self._kubeconfig().apply(lambda kubeconfig: generation.files(self._documents, kubeconfig))
        self._generation = pulumi.Output.unsecret(self._files.apply(generation.digest))
        self._connection = _connection(args.node)
        self._host_check = host_check(args.node)
        self._parameters = node_parameters(args.settings, args.node)

        preflight = self._preflight()
        binary = self._upload(preflight)
        self.staged = self._stage([preflight, *binary])

    def activate(self, after: Sequence[pulumi.Resource]) -> remote.Command:
        """Switches the node to its staged generation once the given resources are done."""
        activation = remote_script(
            self.name,
            ACTIVATE,
            self._for_generation(ACTIVATE, REMOVE),
            self._connection,
            on_delete=REMOVE,
            opts=self._child(self.staged, *after),
        )
        LiveGeneration(
            self._args.node,
            self._args.settings,
            self._documents,
            self._generation,
            self._args.certificate.not_after,
            pulumi.ResourceOptions(parent=self, depends_on=[activation]),
        )
        self.report = pulumi.Output.all(activation.stdout, self._args.certificate.not_after).apply(
            lambda answer: report.parse(answer[0]) | {"certificateNotAfter": answer[1]}
        )
        self.register_outputs({"report": self.report})
        return activation

    def _child(self, *after: pulumi.Resource, hooks: Sequence[pulumi.ResourceHook] = ()) -> pulumi.ResourceOptions:
        before: list[pulumi.ResourceHook | ResourceHookFunction] = [self._host_check, *hooks]
        binding = pulumi.ResourceHookBinding(before_create=before, before_update=before)
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), hooks=binding)

    def _kubeconfig(self) -> pulumi.Output[str]:
        settings, certificate = self._args.settings, self._args.certificate
        pems = (certificate.certificate_pem, certificate.private_key_pem, self._args.trust_bundle_pem)
        return pulumi.Output.all(*pems).apply(
            lambda pems: documents.kubeconfig.render(
                cluster=settings.cluster,
                certificate_authority_pem=pems[2],
                client_certificate_pem=pems[0],
                client_key_pem=pems[1],
            )
        )

    def _for_generation(self, *stages: Stage) -> pulumi.Output[str]:
        """The payload of stages that need no files; for another generation they run again."""
        return self._generation.apply(lambda digest: payload(stages, self._parameters | {"GENERATION": digest}, {}))

    def _preflight(self) -> remote.Command:
        standard_input = self._for_generation(PREFLIGHT)
        return remote_script(self.name, PREFLIGHT, standard_input, self._connection, opts=self._child())

    def _upload(self, preflight: remote.Command) -> list[remote.CopyToRemote]:
        """A binary of the operator's goes, once, to a path named by its digest, where nothing live is."""
        binary = self._args.settings.binary
        if not binary.path:
            return []
        opts = self._child(preflight)
        # Unlike a command, a copy doesn't follow a changed connection by itself.
        opts.replace_on_changes = ["connection"]
        return [
            remote.CopyToRemote(
                f"{self.name}-{BINARY.name}",
                connection=self._connection,
                source=pulumi.FileAsset(str(binary.path)),
                remote_path=str(remote_path(binary)),
                opts=opts,
            )
        ]

    def _stage(self, after: Sequence[pulumi.Resource]) -> remote.Command:
        certificate = self._args.certificate
        standard_input = pulumi.Output.all(self._files, certificate.not_before, certificate.not_after).apply(
            lambda parts: payload(
                (STAGE,),
                self._parameters
                | certificate_parameters(parts[1], parts[2])
                | {"GENERATION": generation.digest(parts[0])},
                parts[0],
            )
        )
        binary = self._args.settings.binary
        uploaded = [] if not binary.path else [binary_check(self._args.node, binary, binary.path)]
        opts = self._child(*after, hooks=uploaded)
        return remote_script(self.name, STAGE, standard_input, self._connection, opts=opts)


def _connection(node: NodeSettings) -> remote.ConnectionArgs:
    ssh = node.ssh
    return remote.ConnectionArgs(
        host=ssh.host,
        port=ssh.port,
        user=ssh.user,
        private_key=pulumi.Output.secret(ssh.private_key.get_secret_value()),
        host_key=ssh.host_key,
        # A busy sshd drops connections (MaxStartups): enough tries to outlast that, few enough to end soon.
        dial_error_limit=6,
        per_dial_timeout=10,
    )
