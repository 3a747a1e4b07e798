"""Files over SFTP to a real sshd."""

import hashlib
from pathlib import Path
from typing import Any

import grpc
import pytest

from development.pulumi_stand_ins.tests.plugin_process import Plugin, failure
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually
from development.pulumi_stand_ins.tests.wire import asset, secret

COPY = "command:remote:CopyToRemote"


def text(content: str) -> dict[str, Any]:
    return asset(hash=hashlib.sha256(content.encode()).hexdigest(), text=content)


def inputs(server: SshServer, path: Path | str, source: dict[str, Any]) -> dict[str, Any]:
    return {"connection": secret(server.connection()), "remotePath": str(path), "source": source}


def create_fails(plugin: Plugin, values: dict[str, Any]) -> str:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(COPY, values)
    return failure(raised.value)


def test_text_is_written_and_parent_directories_are_created(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "file"
    created = command.create(COPY, inputs(server, target, secret(text("content\n"))))
    assert target.read_text() == "content\n"
    assert target.stat().st_mode & 0o777 == 0o644
    assert len(created.id) == 8


def test_file_is_written_in_place_and_keeps_its_mode(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    source, target, link = tmp_path / "source", tmp_path / "target", tmp_path / "link"
    source.write_bytes(b"\xff" * 300_000)
    target.write_text("longer before")
    target.chmod(0o600)
    link.hardlink_to(target)
    command.create(COPY, inputs(server, target, asset(hash="1", path=str(source))))
    assert link.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600


def test_connection_is_closed_after_the_copy(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    before = server.open_connections()
    command.create(COPY, inputs(server, tmp_path / "file", text("a")))
    eventually(lambda: server.open_connections() == before)


def test_only_new_content_or_a_new_path_is_copied_and_nothing_is_removed(
    command: Plugin, server: SshServer, tmp_path: Path
) -> None:
    old = inputs(server, tmp_path / "old", text("a"))
    command.create(COPY, old)
    before = server.logins()
    command.update(COPY, old, old | {"connection": secret(server.connection(dialErrorLimit=3))})
    assert server.logins() == before
    command.update(COPY, old, inputs(server, tmp_path / "old", text("b")))
    command.update(COPY, old, inputs(server, tmp_path / "new", text("a")))
    assert server.logins() == before + 2
    command.delete(COPY, old)
    assert ((tmp_path / "old").read_text(), (tmp_path / "new").read_text()) == ("b", "a")


def test_text_needs_a_file_path(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    assert create_fails(command, inputs(server, tmp_path, text("a"))) == (
        f"remote path {tmp_path} is a directory; when using a text asset, remotePath must be a file path"
    )
    (tmp_path / "file").write_text("")
    under_a_file = create_fails(command, inputs(server, tmp_path / "file" / "x", text("a")))
    assert under_a_file.startswith(f"failed to create parent directories for {tmp_path}/file/x: ")


def test_file_is_copied_into_a_directory(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("a")
    (tmp_path / "directory").mkdir()
    command.create(COPY, inputs(server, tmp_path / "directory", asset(hash="1", path=str(tmp_path / "source"))))
    assert (tmp_path / "directory" / "source").read_text() == "a"


def test_error_names_a_missing_local_file(command: Plugin, server: SshServer, tmp_path: Path) -> None:
    missing = create_fails(command, inputs(server, "/x", asset(hash="1", path=f"{tmp_path}/none")))
    assert missing == f"open {tmp_path}/none: no such file or directory"
