"""Nodes that only answer, asked by a real SSH client."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from components.delivery import command, shell
from components.stages import ACTIVATE, PREFLIGHT, STAGE
from development.bench.fake_nodes import REPORT, Counts, FakeNodes
from settings import SSH

ROOT = SSH("", 22, "root", SecretStr(""), "")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[FakeNodes]:
    with FakeNodes(tmp_path) as running:
        yield running


def run(nodes: FakeNodes, node: dict[str, Any], text: str, stdin: bytes = b"") -> str:
    async def connect_and_run() -> str:
        host_key = asyncssh.import_public_key(node["hostKey"])
        login = {"username": "root", "client_keys": [str(nodes.private_key)], "known_hosts": ([host_key], [], [])}
        async with asyncssh.connect(**node["ssh"], **login, agent_path=None, config=None) as connection:
            given = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
            done = await connection.run(text, **given, encoding=None, check=True)
            assert isinstance(done.stdout, bytes)
            return done.stdout.decode()

    return asyncio.run(connect_and_run())


def test_each_node_has_an_address_of_its_own(nodes: FakeNodes) -> None:
    inventory = nodes.inventory(1000)
    for key in ("name", "address", "ssh"):
        assert len({str(node[key]) for node in inventory}) == 1000


def test_nodes_answer_the_programs_commands_and_count(nodes: FakeNodes) -> None:
    first, *_, last = nodes.inventory(300)
    assert run(nodes, first, shell(ROOT, "deliver.sh", "/var/lib", "0123", ""), bytes(10**6)) == "delivered 0123\n"
    assert run(nodes, last, command(ROOT, "0123", PREFLIGHT, STAGE)) == ""
    assert run(nodes, last, command(ROOT, "0123", ACTIVATE), b"not: read\n") == REPORT
    assert run(nodes, last, shell(ROOT, "start_removal.sh", "/var/lib", "n0300")) == ""
    assert nodes.counts() == Counts(logins=4, commands=4, reports=1)
