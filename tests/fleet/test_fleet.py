"""A large fleet with the engine's defaults: real engine, program and SSH, nodes that only answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from development.bench.fake_nodes import Counts, FakeNodes
from development.pulumi_stand_ins.tests.project import Project
from tests.certificates.stack import WholeStack

NODES = 100
LOGINS = 3  # a node: to deliver, to stage, to activate
STATE = 20_000  # bytes a node


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[FakeNodes]:
    with FakeNodes(tmp_path) as running:
        yield running


@pytest.fixture
def stack(nodes: FakeNodes, tmp_path: Path) -> WholeStack:
    project = Project(tmp_path / "project")
    project.prepare()
    stack = WholeStack(project)
    stack.authority()
    stack.values |= {"nodes": nodes.inventory(NODES), "ssh": {"privateKeyFile": str(nodes.private_key)}}
    return stack


def test_large_fleet_is_deployed_left_alone_and_changed(
    stack: WholeStack, nodes: FakeNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.up()
    assert nodes.counts() == Counts(logins=LOGINS * NODES, commands=LOGINS * NODES, reports=NODES)
    assert len(stack.project.state()) < STATE * NODES
    assert len(stack.outputs()["nodes"]) == NODES

    before = nodes.counts()
    stack.up()
    assert nodes.counts() == before

    # As a preview of such a fleet advises: this test has shown the defaults, and they take longer.
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", "true")
    stack.values["configuration"]["mode"] = "nftables"
    stack.up()
    assert nodes.counts() == Counts(logins=2 * LOGINS * NODES, commands=2 * LOGINS * NODES, reports=2 * NODES)
