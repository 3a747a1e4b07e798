"""Files that a stack names, and nodesFile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Values = dict[str, Any]
Refused = Callable[[Values], list[str]]


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

    def test_nodes_file_must_exist(self, values: Values, refused: Refused) -> None:
        assert refused({**values, "nodes": None, "nodesFile": "nodes.yaml"}) == [
            'nodesFile: Not found: "nodes.yaml": must name an existing file; looked for PROJECT/nodes.yaml'
        ]
