"""The whole story of a take-over on a node: adopt writes the stack, `pulumi up` takes over, `pulumi destroy` gives back."""

import dataclasses
import os
import subprocess
from dataclasses import dataclass
from typing import Any

from development.lab import environment, loopback
from development.lab.loopback import SSH_PORT
from development.lab.node import Node
from tests.lab import generations, layouts, probe
from tests.lab.cluster import Cluster
from tests.lab.layouts import Layout
from tests.lab.probe import Answers

ROLLOUT = {"minReadySeconds": 1, "healthTimeoutSeconds": 180}


@dataclass(frozen=True)
class Outcome:
    """What a take-over has cost."""

    restarts: int
    answers: Answers
    at_removal: Answers
    """The requests while the stack was destroyed."""


def take_over(cluster: Cluster, node: Node, layout: Layout) -> Outcome:
    """Sets up a layout on a node without a kube-proxy, takes it over, and gives it back. The stack must have no resources.

    Raises AssertionError if a step fails, or the node isn't in the end as it was before.
    """
    written = cluster.configuration_file.read_text()
    layouts.set_up(cluster, node, layout)
    try:
        before, starts = layouts.state(node), generations.starts(node)
        _adopt_one(cluster, node)
        assert layouts.state(node) == before, "adopt changes nothing"
        succeed(cluster, "preview")
        assert layouts.state(node) == before, "a preview changes nothing"
        with probe.probed([node]) as answers:
            succeed(cluster, "up", "--yes", "--skip-preview")
        restarts = generations.starts(node) - starts
        report = cluster.outputs()["nodes"][node.name]
        assert (report["active"], report["enabled"], report["request"]) == (True, True, "answered")
        succeed(cluster, "preview", "--expect-no-changes")
        with probe.probed([node]) as at_removal:
            succeed(cluster, "destroy", "--yes", "--skip-preview")
        assert layouts.state(node) == before, "a removal gives everything back"
        layouts.await_service(node)
    finally:
        succeed(cluster, "destroy", "--yes", "--skip-preview")
        cluster.configuration_file.write_text(written)
        layouts.remove(node, layout)
    return Outcome(restarts, answers[node.name], at_removal[node.name])


# A change of the configuration that only the restart can find: kube-proxy's unit fails with it.
_FAULT = "/etc/systemd/system/kube-proxy.service.d/fault.conf"
_DROP_IN = """\
[Service]
ExecStartPost=/bin/sh -c '! grep -q "oomScoreAdj: -997" /etc/kubernetes/kube-proxy-config.yaml'
"""


def roll_back(cluster: Cluster, node: Node) -> None:
    """Lets the take-over of kubeasz's layout fail, and then a change after it: each time what ran before runs again.

    Unit and binary are in directories of the stack's choice. Raises AssertionError.
    """
    written, layout = cluster.configuration_file.read_text(), layouts.KUBEASZ
    layouts.set_up(cluster, node, dataclasses.replace(layout, files={**layout.files, _FAULT: _DROP_IN}))
    try:
        before = layouts.state(node)
        _adopt_one(cluster, node)
        chosen = cluster.configured()["service"]
        assert (chosen["unitDirectory"], chosen["binaryDirectory"]) == ("/etc/systemd/system", "/opt/kube/bin")
        _fail(cluster, "the previous generation runs again")
        assert layouts.state(node) == before
        layouts.await_service(node)
        succeed(cluster, "up", "--yes", "--skip-preview")
        live = layouts.state(node)
        _fail(cluster, "the previous generation serves again")
        assert layouts.state(node) == live
        succeed(cluster, "destroy", "--yes", "--skip-preview")
        assert layouts.state(node) == before
    finally:
        succeed(cluster, "destroy", "--yes", "--skip-preview")
        cluster.configuration_file.write_text(written)
        node.run(f"rm -f {_FAULT}")
        layouts.remove(node, layout)


def _fail(cluster: Cluster, message: str) -> None:
    """Deploys a configuration that makes the unit fail, then restores the old one."""
    good = cluster.configuration_file.read_text()
    cluster.configure(lambda values: values["configuration"].update(oomScoreAdj=-997))
    result = cluster.up()
    cluster.configuration_file.write_text(good)
    assert result.status != 0
    assert message in result.output, result.output


def adopt(cluster: Cluster, *arguments: str) -> str:
    """Runs `commands.adopt` for the stack `dev` as a user does, adds what it can't know, and returns its remarks."""
    done = subprocess.run(
        [".venv/bin/python", "-m", "commands.adopt", cluster.configuration_file.name, "--force", *arguments],
        cwd=cluster.lab.project,
        env=os.environ | environment.variables(cluster.lab),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cluster.configure(_complete)
    return done.stderr


def _adopt_one(cluster: Cluster, node: Node) -> None:
    address = loopback.choose(cluster.lab).of(node.worker.address)
    adopt(cluster, f"{node.name}={address}", "--port", str(SSH_PORT), "--ssh-key", ".lab/ssh/id_ed25519")


def _complete(values: dict[str, Any]) -> None:
    """What adopt can't know: the CA's key, which is never on a node; and that the lab's nodes are slow."""
    values["certificateAuthority"]["privateKeyFile"] = ".lab/cert/ca-key.pem"
    values["rollout"] = ROLLOUT


def succeed(cluster: Cluster, *arguments: str) -> str:
    """Runs Pulumi, which must succeed, and returns its output."""
    result = cluster.pulumi(*arguments)
    assert result.status == 0, result.output
    return result.output
