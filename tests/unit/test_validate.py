"""`make validate`: checks of a stack's file without Pulumi."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.validate import main

FILE = """\
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  kube-proxy:cluster:
    server: https://192.168.99.100:8443
    version: 1.36.2
    clusterCIDR: 172.30.0.0/16
  kube-proxy:certificateAuthority:
    certificateFile: cert/ca.pem
  kube-proxy:caPrivateKey:
    secure: v1:0123456789abcdef:ZmFrZQ==
  kube-proxy:sshPrivateKey:
    secure: v1:0123456789abcdef:ZmFrZQ==
  kube-proxy:nodes:
    - name: k8s-node01
      address: 192.168.99.101
      hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN
    - name: k8s-node02
      address: 192.168.99.102
      configuration:
        iptables: {syncPeriod: 30}
  kube-proxy:binary:
    version: 1.36.2
  kube-proxy:configuration:
    mode: ipvs
    ipvs:
      strictARP: yes
      schedular: rr
"""

TEXT = """\
Pulumi.prod.yaml:9: warning: certificateAuthority.certificateFile: "cert/ca.pem": is not on this machine and was not checked; it must exist where Pulumi runs
Pulumi.prod.yaml:18: error: nodes[1].hostKey: Required value: must be the node's SSH host key, without the host name before it: ssh-keyscan -t ed25519 -p 22 192.168.99.102
Pulumi.prod.yaml:21: error: nodes[1].configuration.iptables.syncPeriod: Invalid value: 30: must be a duration with a unit (e.g. 30s, 1m30s, 250ms)
Pulumi.prod.yaml:25: warning: configuration.mode: "ipvs": is deprecated since 1.35, off by default from 1.40, removed in 1.43: plan for nftables (Linux 5.13, nft 1.0.1 or newer)
Pulumi.prod.yaml:27: error: configuration.ipvs.strictARP: Invalid value: "yes": must be true or false
Pulumi.prod.yaml:28: error: configuration.ipvs.schedular: Forbidden: unknown key; did you mean "scheduler"?
Pulumi.prod.yaml: 4 errors, 2 warnings
"""

REPOSITORY = Path(__file__).parents[2]

Validate = Callable[..., tuple[int, str]]


@pytest.fixture
def validate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Validate:
    """Check a file with this content, and return the exit status and the output."""
    monkeypatch.chdir(tmp_path)

    def run(content: str | dict[str, Any], *arguments: str) -> tuple[int, str]:
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        Path("Pulumi.prod.yaml").write_text(text)
        return main(["Pulumi.prod.yaml", *arguments]), capsys.readouterr().out

    return run


@pytest.fixture
def stack(values: dict[str, Any]) -> dict[str, Any]:
    """The valid stack as a file. The files that it names don't exist."""
    values["configuration"] = {"mode": "nftables"}
    return {"config": {f"kube-proxy:{key}": value for key, value in values.items()}}


def test_validate_prints_every_problem_with_its_line(validate: Validate) -> None:
    assert validate(FILE) == (1, TEXT)


def test_validate_prints_json(validate: Validate) -> None:
    status, printed = validate(FILE, "--format", "json")

    assert status == 1
    assert [problem["severity"] for problem in json.loads(printed)] == [
        line.split(": ")[1] for line in TEXT.splitlines()[:-1]
    ]
    assert json.loads(printed)[2] == {
        "severity": "error",
        "file": "Pulumi.prod.yaml",
        "line": 21,
        "path": "nodes[1].configuration.iptables.syncPeriod",
        "kind": "Invalid value",
        "value": 30,
        "detail": "must be a duration with a unit (e.g. 30s, 1m30s, 250ms)",
    }


def test_validate_succeeds_despite_warnings(validate: Validate, stack: dict[str, Any]) -> None:
    """Keys are kept out of version control, so their files are missing when a pull request is checked."""
    status, printed = validate(stack)

    assert (status, printed.splitlines()[-1]) == (0, "Pulumi.prod.yaml: no errors, 3 warnings")
    assert validate(stack, "--format", "json")[0] == 0


def test_validate_checks_existing_files(
    validate: Validate, stack: dict[str, Any], make_project: Callable[[Path], Path], tmp_path: Path
) -> None:
    make_project(tmp_path)
    assert validate(stack) == (0, "Pulumi.prod.yaml: no errors, no warnings\n")

    (tmp_path / "ca.pem").write_text("something else")
    assert "error: certificateAuthority.certificateFile: Invalid value" in validate(stack)[1]


def test_validate_needs_nodes_file_and_checks_it(validate: Validate, stack: dict[str, Any], tmp_path: Path) -> None:
    nodes = stack["config"].pop("kube-proxy:nodes")
    stack["config"]["kube-proxy:nodesFile"] = "nodes.yaml"
    assert "error: nodesFile: Not found" in validate(stack)[1]

    (tmp_path / "nodes.yaml").write_text(yaml.safe_dump([*nodes, {"name": "k8s-node01"}]))
    assert 'error: nodesFile[3].name: Duplicate value: "k8s-node01"' in validate(stack)[1]


@pytest.mark.parametrize("key", ["cluster", "nodes", "binary", "configuration", "ssh", "certificateAuthority"])
def test_encrypted_section_counts_as_set(validate: Validate, stack: dict[str, Any], key: str) -> None:
    stack["config"][f"kube-proxy:{key}"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}
    status, printed = validate(stack)

    assert (status, "error" in printed.splitlines()[0]) == (0, False), printed
    assert "ZmFrZQ" not in printed


def test_encrypted_value_counts_as_set(validate: Validate, stack: dict[str, Any]) -> None:
    stack["config"]["kube-proxy:nodes"][1]["address"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}
    stack["config"]["kube-proxy:binary"]["version"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}
    status, printed = validate(stack)

    assert status == 0, printed
    assert "ZmFrZQ" not in printed


def test_encrypted_kubeconfig_counts_as_set(validate: Validate, stack: dict[str, Any]) -> None:
    authority = {"signer": "kubernetes.io/kube-apiserver-client", "certificateFile": "ca.pem"}
    stack["config"]["kube-proxy:certificateAuthority"] = authority
    assert "certificateAuthority.kubeconfigFile: Required value" in validate(stack)[1]
    stack["config"]["kube-proxy:adminKubeconfig"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}
    status, printed = validate(stack)

    assert status == 0, printed
    assert "ZmFrZQ" not in printed


def test_encrypted_key_beside_a_key_file_is_an_error(validate: Validate, stack: dict[str, Any]) -> None:
    stack["config"]["kube-proxy:caPrivateKey"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}

    assert (
        "caPrivateKey: Forbidden: must not be set together with certificateAuthority.privateKeyFile"
        in validate(stack)[1]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("config: [", "must be YAML; line 2, column 1: did not find expected node content"),
        ("config: {}\nconfig: {}\n", "must be YAML; line 2, column 1: duplicate key"),
        ("config: {? [a] : 1}", "must be YAML; line 1, column 12: found unhashable key"),
        ("- 1", "must be a stack's file, with a mapping `config` of keys like kube-proxy:cluster"),
        ("", "must be a stack's file, with a mapping `config` of keys like kube-proxy:cluster"),
    ],
)
def test_file_that_is_no_stack_is_an_error(validate: Validate, content: str, message: str) -> None:
    assert validate(content) == (
        1,
        f"Pulumi.prod.yaml:1: error: Invalid value: {message}\nPulumi.prod.yaml: 1 error, no warnings\n",
    )


def test_missing_stack_file_is_an_error(validate: Validate, capsys: pytest.CaptureFixture[str]) -> None:
    validate("")
    assert main(["Pulumi.none.yaml"]) == 1
    assert "must be a readable file: No such file or directory" in capsys.readouterr().out


def test_output_is_printable_whatever_the_file_has_and_wherever_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "evil\x1b[31m.yaml"
    file.write_text(
        'config:\n  kube-proxy:cluster: {name: "a\\e[2Jb\\u202ec", server: "\\u2028é"}\n  "kube-proxy:\\a": 1\n'
    )
    for form in ("text", "json"):
        for encoding in ("utf-8", "ascii"):
            done = subprocess.run(
                [sys.executable, "-m", "commands.validate", file, "--format", form],
                capture_output=True,
                env={"PYTHONIOENCODING": encoding, "PYTHONPATH": str(REPOSITORY)},
                check=False,
                timeout=60,
            )
            assert (done.returncode, done.stderr) == (1, b"")
            assert done.stdout.decode(encoding).replace("\n", "").isprintable()


def test_number_is_shown_as_it_was_written(validate: Validate, stack: dict[str, Any]) -> None:
    text = yaml.safe_dump(stack).replace("version: 1.36.2", "version: 1.30")

    assert "cluster.version: Invalid value: 1.30: must be a string: put it in quotes" in validate(text)[1]
    assert '"value": "1.30"' in validate(text, "--format", "json")[1]


def test_validate_reads_values_as_pulumi_does(validate: Validate, stack: dict[str, Any]) -> None:
    """With the rules of Go's YAML, which differ from PyYAML's; and structures may be JSON."""
    text = yaml.safe_dump(stack).replace(
        "mode: nftables", "mode: nftables\n    portRange: 1:30\n    oomScoreAdj: 0o17\n    bindAddressHardFail: on"
    )
    printed = validate(text)[1]
    assert 'configuration.portRange: "1:30"' in printed
    assert "oomScoreAdj" not in printed
    assert 'configuration.bindAddressHardFail: Invalid value: "on": must be true or false' in printed

    stack["config"]["kube-proxy:configuration"] = '{"mode": "nftables", "oomScoreAdj": 2000}'
    assert "configuration.oomScoreAdj: Invalid value: 2000" in validate(stack)[1]


def test_validate_does_not_import_pulumi() -> None:
    """The import would take longer than everything else."""
    code = "import commands.validate, sys; sys.exit('pulumi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
