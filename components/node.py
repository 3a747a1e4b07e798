"""A worker: its files are rendered, staged as a generation beside the live one, and activated."""

from collections.abc import Sequence

import pulumi
from pulumi import ResourceHookFunction
from pulumi_command import remote

from components import generation, report
from components.client_certificate import ClientCertificate
from components.host_check import host_check
from components.live_generation import LiveGeneration
from components.parameters import certificate_parameters, node_parameters
from components.remote_script import command_text, payload
from components.stages import ACTIVATE, BINARY, PREFLIGHT, REMOVE, STAGE, Stage
from components.uploaded_binary import binary_check, remote_path
from documents import kubeconfig
from settings import NodeSettings, Settings


class Node(pulumi.ComponentResource):
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
        trust_bundle_pem: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kube-proxy:index:Node", node.name, None, opts)
        self.name = node.name
        self._node, self._settings, self._certificate = node, settings, certificate
        self._connection = _connection(node)
        self._host_check = host_check(node)
        self._parameters = node_parameters(settings, node)
        self._plain_files = generation.render(settings, node)
        self._files = self._with_kubeconfig(trust_bundle_pem)
        self._generation = pulumi.Output.unsecret(self._files.apply(generation.digest))

        preflight = self._run(PREFLIGHT, self._without_files(PREFLIGHT))
        binary = self._upload(preflight)
        self.staged = self._stage([preflight, *binary])

    def activate(self, after: Sequence[pulumi.Resource]) -> remote.Command:
        """Switch the node to its staged generation once the given resources are done."""
        activation = self._run(ACTIVATE, self._without_files(ACTIVATE, REMOVE), [self.staged, *after], on_delete=REMOVE)
        not_after = self._certificate.not_after
        live = pulumi.ResourceOptions(parent=self, depends_on=[activation])
        LiveGeneration(self._node, self._settings, self._plain_files, self._generation, not_after, live)
        self.report = pulumi.Output.all(activation.stdout, not_after).apply(
            lambda outputs: report.parse(outputs[0]) | {"certificateNotAfter": outputs[1]}
        )
        self.register_outputs({"report": self.report})
        return activation

    def _with_kubeconfig(self, trust_bundle_pem: pulumi.Output[str]) -> pulumi.Output[dict[str, str]]:
        certificate = self._certificate
        return pulumi.Output.all(certificate.certificate_pem, certificate.private_key_pem, trust_bundle_pem).apply(
            lambda pems: {
                **self._plain_files,
                generation.KUBECONFIG: kubeconfig.render(
                    cluster=self._settings.cluster,
                    client_certificate_pem=pems[0],
                    client_key_pem=pems[1],
                    certificate_authority_pem=pems[2],
                ),
            }
        )

    def _run(
        self,
        stage: Stage,
        standard_input: pulumi.Input[str],
        after: Sequence[pulumi.Resource] = (),
        hooks: Sequence[pulumi.ResourceHook] = (),
        on_delete: Stage | None = None,
    ) -> remote.Command:
        """Register the command that runs a stage; `on_delete` is the stage that undoes it.

        A changed payload runs the same script again. There are no triggers: they would replace the command, and the old
        one's deletion would run after the new one's creation.
        """
        return remote.Command(
            f"{self.name}-{stage.name}",
            connection=self._connection,
            create=command_text(stage),
            delete=command_text(on_delete) if on_delete else None,
            stdin=pulumi.Output.secret(standard_input),
            add_previous_output_in_env=False,
            logging=remote.Logging.STDERR,
            opts=self._child(after, hooks),
        )

    def _child(
        self, after: Sequence[pulumi.Resource], hooks: Sequence[pulumi.ResourceHook] = ()
    ) -> pulumi.ResourceOptions:
        before: list[pulumi.ResourceHook | ResourceHookFunction] = [self._host_check, *hooks]
        binding = pulumi.ResourceHookBinding(before_create=before, before_update=before)
        return pulumi.ResourceOptions(parent=self, depends_on=after, hooks=binding)

    def _without_files(self, *stages: Stage) -> pulumi.Output[str]:
        """Return the payload of stages that need no files. They run again for another generation."""
        return self._generation.apply(lambda digest: payload(stages, self._parameters | {"GENERATION": digest}, {}))

    def _upload(self, preflight: remote.Command) -> list[remote.CopyToRemote]:
        """Upload the binary, if the stack names a file, once, to a path with its digest: nothing live is there."""
        binary = self._settings.binary
        if not binary.path:
            return []
        opts = self._child([preflight])
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
        def standard_input(files: dict[str, str], not_before: str, not_after: str) -> str:
            parameters = self._parameters | certificate_parameters(not_before, not_after)
            return payload((STAGE,), parameters | {"GENERATION": generation.digest(files)}, files)

        inputs = pulumi.Output.all(self._files, self._certificate.not_before, self._certificate.not_after)
        binary = self._settings.binary
        hooks = [binary_check(self._node, binary, binary.path)] if binary.path else []
        return self._run(STAGE, inputs.apply(lambda values: standard_input(*values)), after, hooks)


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
