"""Files that a stack names, and nodesFile."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Values = dict[str, Any]
Refused = Callable[[Values], list[str]]


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(path.parent):
        listener.bind(path.name)


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


class TestAnyFile:
    def test_file_must_exist(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"]["certificateFile"] = "cert/ca.pem"

        assert refused(values) == [
            'certificateAuthority.certificateFile: Not found: "cert/ca.pem": '
            "must name an existing file; looked for PROJECT/cert/ca.pem"
        ]

    def test_file_must_be_readable(self, values: Values, refused: Refused, project: Path) -> None:
        (project / "directory").mkdir()
        values["ssh"]["privateKeyFile"] = "directory"

        assert refused(values) == [
            'ssh.privateKeyFile: Invalid value: "directory": must name a readable file: Is a directory'
        ]

    def test_file_in_an_unknown_users_home_is_refused(self, values: Values, refused: Refused) -> None:
        values["ssh"]["privateKeyFile"] = "~nobody-of-this-name/id_ed25519"

        assert refused(values) == [
            'ssh.privateKeyFile: Invalid value: "~nobody-of-this-name/id_ed25519": '
            "must name a readable file: Could not determine home directory."
        ]

    def test_certificate_file_must_be_text(self, values: Values, refused: Refused, project: Path) -> None:
        (project / "ca.der").write_bytes(b"\x30\x82\xff")
        values["certificateAuthority"]["certificateFile"] = "ca.der"

        assert refused(values) == [
            'certificateAuthority.certificateFile: Invalid value: "ca.der": must name a text file'
        ]

    @pytest.mark.parametrize(
        ("place", "make", "reason"),
        [
            (
                "certificateAuthority.certificateFile",
                os.mkfifo,
                "it must be a regular file, not a device, a pipe or a socket",
            ),
            (
                "certificateAuthority.privateKeyFile",
                make_socket,
                "it must be a regular file, not a device, a pipe or a socket",
            ),
            (
                "ssh.privateKeyFile",
                lambda path: path.symlink_to("/dev/zero"),
                "it must be a regular file, not a device, a pipe or a socket",
            ),
            ("certificateAuthority.trustBundleFile", make_large, "it must have at most 4 MiB, has 1025"),
            ("binary.path", make_large, "it must have at most 512 MiB, has 1025"),
            ("binary.sha256.amd64", lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
            ("nodesFile", os.mkfifo, "it must be a regular file, not a device, a pipe or a socket"),
        ],
    )
    def test_file_must_be_regular_and_of_a_limited_size(
        self, values: Values, refused: Refused, project: Path, place: str, make: Callable[[Path], None], reason: str
    ) -> None:
        make(project / "odd")
        values |= {"nodes": None, "nodesFile": "odd"} if place == "nodesFile" else {}
        if place == "binary.path":
            values["binary"] |= {"source": "file", "sha256": {"amd64": "0" * 64}}
        section, _, key = place.partition(".")
        if key:
            around = values[section].setdefault("sha256", {}) if "sha256" in key else values[section]
            around[key.removeprefix("sha256.")] = "odd"

        assert refused(values)[0] == f'{place}: Invalid value: "odd": must name a readable file: {reason}'

    def test_file_of_the_kernel_is_not_read(self, values: Values, refused: Refused) -> None:
        """A read of some of them waits, and of others never ends."""
        values["ssh"]["privateKeyFile"] = "/proc/self/environ"

        assert refused(values) == [
            'ssh.privateKeyFile: Invalid value: "/proc/self/environ": '
            "must be a private key in PEM (-----BEGIN … PRIVATE KEY-----)"
        ]

    @pytest.mark.parametrize("part", ["all", "body", "line"])
    @pytest.mark.parametrize("file", ["ca-key.pem", "id_ed25519"])
    @pytest.mark.parametrize("place", ["certificateAuthority", "ssh"])
    def test_key_in_place_of_its_name_is_not_shown(
        self, values: Values, refused: Refused, project: Path, place: str, file: str, part: str
    ) -> None:
        lines = (project / file).read_text().splitlines()
        values[place]["privateKeyFile"] = {
            "all": "\n".join(lines),
            "body": "\n".join(lines[1:-1]),
            "line": lines[-2].strip("=") if len(lines[-2]) > 60 else lines[2],
        }[part]

        assert refused(values) == [
            f"{place}.privateKeyFile: Invalid value: must be a file name, not the file's content"
        ]

    def test_line_of_a_key_without_a_digit_is_not_shown(self, values: Values, refused: Refused) -> None:
        values["ssh"]["privateKeyFile"] = "AwEHoUQDQgAEiLjSQTyfBjNQynlYTamqeHFjeLiLQXhhxkyouYtxfQWoYppqcgNV"

        assert refused(values) == ["ssh.privateKeyFile: Invalid value: must be a file name, not the file's content"]

    def test_long_path_of_letters_is_shown(self, values: Values, refused: Refused) -> None:
        values["ssh"]["privateKeyFile"] = "/home/Alice/Documents/Clusters/Production/keys"

        assert refused(values)[0].startswith('ssh.privateKeyFile: Not found: "/home/Alice/Documents/')


class TestNodesFile:
    def test_nodes_file_problems_have_their_location_in_the_list(
        self, values: Values, refused: Refused, project: Path
    ) -> None:
        del values["nodes"]
        (project / "nodes.yaml").write_text("- {name: a, address: 10.0.0.1, hotsKey: x}\n- {name: a, port: 22}\n")

        assert [line.split(": ")[0] for line in refused({"nodesFile": "nodes.yaml", **values})] == [
            "nodesFile[0].hotsKey",
            "nodesFile[0].hostKey",
            "nodesFile[1].name",
            "nodesFile[1].port",
            "nodesFile[1].address",
            "nodesFile[1].hostKey",
        ]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (
                "- name: [\n",
                'Invalid value: "nodes.yaml": must name a YAML file; line 2, column 1: '
                "did not find expected node content",
            ),
            (
                "- name: a\n  address: 10.0.0.1\n  address: 10.0.0.2\n",
                'Invalid value: "nodes.yaml": must name a YAML file; line 3, column 3: duplicate key',
            ),
            (
                "nodes: []\n",
                'Invalid value: "nodes.yaml": must name a YAML file with a list of nodes (- name: k8s-node01 …)',
            ),
            (
                "[]\n",
                "Required value: must list the workers (name, address, hostKey), here or in a YAML file that nodesFile names",
            ),
        ],
    )
    def test_nodes_file_must_have_a_list(
        self, values: Values, refused: Refused, project: Path, content: str, message: str
    ) -> None:
        (project / "nodes.yaml").write_text(content)

        assert refused({**values, "nodes": None, "nodesFile": "nodes.yaml"}) == [f"nodesFile: {message}"]

    def test_number_is_shown_as_it_was_written(self, values: Values, refused: Refused, project: Path) -> None:
        (project / "nodes.yaml").write_text("- {name: 010, address: 1.30, ssh: {port: 0x1ffff}}\n")

        assert refused({**values, "nodes": None, "nodesFile": "nodes.yaml"})[:2] == [
            "nodesFile[0].name: Invalid value: 010: must be a string: put it in quotes",
            "nodesFile[0].address: Invalid value: 1.30: must be a string: put it in quotes",
        ]

    def test_nodes_file_must_exist(self, values: Values, refused: Refused) -> None:
        assert refused({**values, "nodes": None, "nodesFile": "nodes.yaml"}) == [
            'nodesFile: Not found: "nodes.yaml": must name an existing file; looked for PROJECT/nodes.yaml'
        ]
