"""A node whose sudo asks for a password: the real engine and components, SSH in this process, a sudo that asks."""

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from development.pulumi_stand_ins.tests.project import Project
from tests.components.recorder import REPORT
from tests.components.ssh_hosts import ASK, KEY, PASSWORD, serve, write_sudo
from tests.engine.conftest import STAGE, Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    project = Project(tmp_path / "project")
    project.prepare()
    stack = Fleet(project)
    stack.authority()
    (stack.directory / "stage.sh").write_text(STAGE)
    (stack.directory / "report").write_text(REPORT)
    KEY.write_private_key(stack.directory / "user")
    login: dict[str, object] = {"host": "127.0.0.1", "user": "deploy", "privateKeyFile": "user"}
    started, ended = threading.Event(), threading.Event()

    async def node() -> None:
        async with serve(path=write_sudo(tmp_path / "bin", ASK)) as server:
            key = server.host_key
            login["port"] = server.port
            stack.values["nodes"] = [{"name": "k8s-node01", "address": "192.168.99.101", "hostKey": key, "ssh": login}]
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=[node()])
    thread.start()
    started.wait()
    stack.values |= {"ssh": {}, "sudoPassword": PASSWORD}
    yield stack
    ended.set()
    thread.join()


def test_password_is_used_and_kept_as_a_secret_while_a_preview_shows_each_field(fleet: Fleet, tmp_path: Path) -> None:
    fleet.set_mode("ipvs")
    printed = fleet.up()
    fleet.pulumi("preview", "--expect-no-changes")

    fleet.set_mode("nftables")
    shown = fleet.pulumi("preview", "--diff")
    assert re.search(r'~ mode *: "ipvs" => "nftables"', shown)
    printed += shown + fleet.failing_at("activate", "--continue-on-error")
    shown = fleet.pulumi("preview", "--diff")
    assert re.search(r'~ mode *: "ipvs" => "nftables"', shown)
    printed += shown + fleet.up()

    tries = (tmp_path / "bin" / "passwords").read_text().count("tried")
    fleet.values["sudoPassword"] = "another one"
    refused = fleet.failing_pulumi("up", "--yes", "--skip-preview")
    assert "set the right one (pulumi config set --secret kube-proxy:sudoPassword)" in refused
    assert (tmp_path / "bin" / "passwords").read_text().count("tried") == tries + 2, "the second finds no line"

    printed += refused + fleet.pulumi("destroy", "--yes", "--skip-preview")
    for kept in (fleet.directory / "state").rglob("*.json*"):
        assert PASSWORD not in kept.read_text(), kept
    assert PASSWORD not in printed
