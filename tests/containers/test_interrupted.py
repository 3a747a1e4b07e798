"""A rollout that is interrupted goes on with the next `pulumi up`."""

import pytest

from tests.lab import generations, probe
from tests.lab.cluster import UP, Cluster, binary
from tests.lab.running import cut_connections

pytestmark = pytest.mark.xdist_group("containers")


# Stages wait for it, so that the interruption comes before they are done however busy this machine is.
_HOLD_LOCK = "systemd-run -q --unit=hold-lock flock /run/kube-proxy-generations.lock sleep infinity"


def test_interrupted_rollout_is_finished_by_the_next_up_with_one_restart_and_no_failed_request(
    deployed: Cluster,
) -> None:
    """A downgrade that is interrupted twice: by Ctrl-C before nodes are activated, by closed connections while they are."""
    starts = {node.name: generations.starts(node) for node in deployed.nodes}
    text = deployed.configuration_file.read_text()
    deployed.configure(lambda values: values.update(binary=binary("1.35.1")))
    deployed.configure(lambda values: values["rollout"].update(minReadySeconds=6))
    with probe.probed(deployed.nodes) as answers:
        for node in deployed.nodes:
            node.run(_HOLD_LOCK)
        running = deployed.start_pulumi(*UP)
        assert running.await_line("-stage "), running.output
        running.interrupt()
        for node in deployed.nodes:
            node.run("systemctl stop hold-lock")
        assert running.await_end() != 0, running.output
        assert ": activate: " not in running.output

        running = deployed.start_pulumi(*UP)
        assert running.await_line(": activate: restarting"), running.output
        for node in deployed.nodes:
            cut_connections(node)
        assert running.await_end() != 0, running.output

        generations.assert_up_converges(deployed, deployed.nodes)
    deployed.configuration_file.write_text(text)
    for node in deployed.nodes:
        assert not answers[node.name].failed, f"{node.name}: {answers[node.name]}"
        assert generations.starts(node) - starts[node.name] == 1
        assert "v1.35.1" in node.run("/usr/local/bin/kube-proxy --version")
