"""No secret is found where others may look, however much Pulumi is asked to print: real engine and components, real SSH.

From -v=9 on the engine itself logs what it sends to plugins, secrets too: docs/security.md says so.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.conftest import Fleet

VERBOSE = ("--debug", "--logtostderr", "--logflow", "-v=8")


@pytest.fixture
def command_lines() -> Iterator[set[str]]:
    """Collects the arguments of all processes of this machine, which is the operator's and the node."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    seen.add((process / "cmdline").read_bytes().decode(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def forms(pem: str) -> Iterator[str]:
    """Yields a part of each line of a key but its header, and a part of its Base64 at each of the three offsets."""
    *_, last, _ = lines = pem.strip().splitlines()
    yield from (line[-40:] for line in lines[2:-1] or [last])
    for skipped in range(3):
        yield base64.b64encode(pem.encode()[60 + skipped :])[:40].decode()


def client_key(fleet: Fleet) -> str:
    state = json.loads(fleet.pulumi("stack", "export", "--show-secrets"))
    keys = (each for each in state["deployment"]["resources"] if each["type"] == "tls:index/privateKey:PrivateKey")
    return str(json.loads(next(keys)["outputs"]["privateKeyPem"]["plaintext"]))


def test_no_secret_is_printed_logged_or_kept(fleet: Fleet, command_lines: set[str]) -> None:
    fleet.set_mode("ipvs")
    found = {"up": fleet.pulumi("up", "--yes", "--skip-preview", *VERBOSE)}
    fleet.set_mode("nftables")
    found["preview"] = fleet.pulumi("preview", "--diff", *VERBOSE)
    found["a failing up"] = fleet.failing_at("activate", *VERBOSE)
    found["events"] = fleet.pulumi("up", "--yes", "--json", *VERBOSE)
    found["export"] = fleet.pulumi("stack", "export")
    secrets = {
        "the SSH key": (fleet.directory / fleet.values["ssh"]["privateKeyFile"]).read_text(),
        "the CA's key": (fleet.directory / "ca.key").read_text(),
        "the client's key": client_key(fleet),
    }
    found["state"] = "".join(file.read_text() for file in (fleet.directory / "state").rglob("*.json*"))
    found["destroy"] = fleet.pulumi("destroy", "--yes", "--skip-preview", *VERBOSE)
    found["arguments of processes"] = " ".join(command_lines)
    for what, secret in secrets.items():
        for form in forms(secret):
            for place, text in found.items():
                assert form not in text, f"{what} is in {place}"
