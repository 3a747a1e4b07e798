"""A missing or damaged binary is uploaded again before the stage that needs it."""

import asyncio
import getpass
import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from pydantic import SecretStr

from components import uploaded_binary
from components.host_check import HostError
from development.pulumi_stand_ins.tests.ssh_server import SshServer
from settings import SSH, Architecture, Binary, BinarySource, KubeProxyConfiguration, NodeSettings
from settings.addresses import Address

CONTENT = b"\x7fELF" * 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Binary:
    monkeypatch.setattr(uploaded_binary, "BINARIES", PurePosixPath(tmp_path / "binaries"))
    (tmp_path / "kube-proxy-1.36.2").write_bytes(CONTENT)
    path = tmp_path / "kube-proxy"
    path.symlink_to("kube-proxy-1.36.2")
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Binary("1.36.2", BinarySource.FILE, path, None, {Architecture.AMD64: digest})


def node(server: SshServer) -> NodeSettings:
    ssh = SSH("127.0.0.1", server.port, getpass.getuser(), SecretStr(server.private_key), server.host_key())
    return NodeSettings("k8s-node01", Address("192.168.99.101"), {}, KubeProxyConfiguration(), ssh)


def check(server: SshServer, binary: Binary) -> None:
    assert binary.path
    asyncio.run(uploaded_binary.repair(node(server), binary, binary.path))


@pytest.mark.parametrize("left", [None, b"", CONTENT[:5000], CONTENT[:-1] + b"x"])
def test_missing_or_damaged_binary_is_uploaded_again(server: SshServer, binary: Binary, left: bytes | None) -> None:
    there = Path(uploaded_binary.remote_path(binary))
    if left is not None:
        there.parent.mkdir()
        there.write_bytes(left)
    check(server, binary)
    assert [path.name for path in there.parent.iterdir()] == [there.name]
    assert there.read_bytes() == CONTENT


def test_complete_binary_is_left_alone(server: SshServer, binary: Binary) -> None:
    there = Path(uploaded_binary.remote_path(binary))
    there.parent.mkdir()
    there.write_bytes(CONTENT)
    before = (there.stat().st_ino, there.stat().st_mtime_ns)
    check(server, binary)
    assert (there.stat().st_ino, there.stat().st_mtime_ns) == before


def test_failed_upload_is_reported_with_its_node(server: SshServer, binary: Binary) -> None:
    Path(uploaded_binary.BINARIES).write_text("not a directory")
    with pytest.raises(HostError, match=r"k8s-node01: binary: kube-proxy must be at .*; run pulumi up again"):
        check(server, binary)
