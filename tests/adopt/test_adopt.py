"""`python -m commands.adopt` over SSH: real sshds, each of which leads to a fake node."""

import getpass
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from commands.adopt import question, report
from commands.adopt.__main__ import main
from development.pulumi_stand_ins.tests.ssh_server import SshServer, eventually, free_port
from settings.load import find_problems
from settings.stack_file import read_stack_file
from tests.adopt.conftest import MakeMachine
from tests.adopt.layouts import FLAGS, GUIDE, KUBEASZ, Layout
from tests.adopt.machine import HOST_KEY, Machine, everything_in

REPOSITORY = Path(__file__).parents[2]
KUBEASZ_AT_ADDRESS = replace(GUIDE, unit=KUBEASZ.unit, binary=KUBEASZ.binary, directory=KUBEASZ.directory)


class Fleet:
    """sshds with nodes behind them, and an inventory of them as Ansible prints it."""

    def __init__(self, directory: Path, make_machine: MakeMachine, running: ExitStack) -> None:
        self.directory, self._make, self._running = directory, make_machine, running
        self.machines: list[Machine] = []
        self.servers: list[SshServer] = []

    def add(self, layout: Layout = GUIDE, machine: Machine | None = None) -> Machine:
        number = len(self.servers) + 1
        machine = machine or self._make(layout, f"machine{number}")
        variables = " ".join(f"{name}={value}" for name, value in machine.environment.items())
        server = SshServer(self.directory / f"sshd{number}", extra=f"SetEnv {variables}")
        self.servers.append(self._running.enter_context(server))
        self.machines.append(machine)
        return machine

    def renamed(self, number: int, layout: Layout = GUIDE) -> Machine:
        """Add a node whose name and address end in this number."""
        machine = self.add(layout)
        for file in ("configuration", *(f"http/{path.name}" for path in (machine.root / "http").iterdir())):
            text = (machine.root / file).read_text()
            text = text.replace("k8s-node01", f"k8s-node0{number}").replace("192.168.99.101", f"192.168.99.10{number}")
            machine.write(file, text)
        return machine

    def adopt(self, *arguments: str) -> int:
        hosts = {
            f"node{number}": {
                "ansible_host": "127.0.0.1",
                "ansible_port": server.port,
                "ansible_ssh_private_key_file": str(server.directory / "user"),
            }
            for number, server in enumerate(self.servers, 1)
        }
        inventory = {"all": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}}
        (self.directory / "inventory.json").write_text(json.dumps(inventory))
        known_hosts = str(self.directory / "known_hosts")
        return main(["Pulumi.prod.yaml", "--inventory", "hosts", "--known-hosts", known_hosts, *arguments])


@pytest.fixture
def fleet(tmp_path: Path, make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/ansible-inventory"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/inventory.json\n")
    program.chmod(0o755)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    with ExitStack() as running:
        yield Fleet(tmp_path, make_machine, running)


def values(file: str = "Pulumi.prod.yaml") -> dict[str, Any]:
    return dict(read_stack_file(Path(file)).values)


def text() -> str:
    return Path("Pulumi.prod.yaml").read_text()


def problems() -> list[str]:
    """The errors of the written stack, as preview will show them."""
    stack = read_stack_file(Path("Pulumi.prod.yaml"))
    return [p.path for p in find_problems(stack.values, Path.cwd(), stack.unreadable) if p.severity == "error"]


@pytest.mark.parametrize("layout", [GUIDE, FLAGS], ids=lambda layout: layout.name)
def test_stack_is_written_and_lacks_only_the_cas_key(fleet: Fleet, layout: Layout, authority: str) -> None:
    machine = fleet.add(layout)
    before = everything_in(machine.root)
    assert fleet.adopt() == 0
    assert everything_in(machine.root) == before
    key = " ".join(fleet.servers[0].host_key().split()[:2])
    assert values()["configuration"] == layout.expected
    assert values()["nodes"] == [
        {"name": "k8s-node01", "address": "192.168.99.101", "hostKey": key, "ssh": {"host": "127.0.0.1"}}
    ]
    assert Path("prod-ca.pem").read_text() == authority
    assert problems() == ["certificateAuthority.privateKeyFile"]
    assert fleet.servers[0].logins() == 1


def test_what_a_person_must_know_is_shown_and_in_the_file(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.add(GUIDE)
    fleet.renamed(2, KUBEASZ_AT_ADDRESS)
    fleet.add().end()
    fleet.servers.append(SshServer(fleet.directory / "sshd9"))  # which doesn't run
    assert fleet.adopt() == 1
    output = capsys.readouterr()
    comments = [line for line in Path("Pulumi.prod.yaml").read_text().splitlines() if line.startswith("#")]
    assert comments == [
        "# Written by python -m commands.adopt from what runs on 2 nodes; see docs/take-over.md.",
        "# Before the first pulumi preview:",
        "# - give the CA's key: privateKeyFile in kube-proxy:certificateAuthority, or docs/configuration.md",
        "# - k8s-node01, k8s-node02: compare hostKey with the node's own key: it is the one that the node showed, and not in known_hosts",
        "# Not in this stack:",
        "# - node3: no kube-proxy runs there",
        f"# - node4: must answer as an SSH server: [Errno 111] Connect call failed ('127.0.0.1', {fleet.servers[3].port})",
        "# Not carried over, or to be checked:",
        "# - k8s-node02: service.k8sDir: is /var/lib there; the stack has /opt/k8s",
        "# - k8s-node02: service.binaryDirectory: is /opt/kube/bin there; the stack has /usr/local/bin",
        "# The first pulumi up:",
        "# - restarts kube-proxy once on each node: its kubeconfig gets a new client certificate",
        "# - k8s-node02: its unit gives way to ours in /etc/systemd/system (service.unitDirectory); a removal puts it back",
    ]
    assert all(line.removeprefix("# ") in output.err for line in comments[1:])
    fingerprint = asyncssh.import_public_key(fleet.servers[0].host_key()).get_fingerprint()
    assert f"k8s-node01: host key {fingerprint} ssh-ed25519" in output.err
    assert "certificateAuthority.privateKeyFile: Required value" in output.out


def test_inventory_of_one_node_twice_has_it_once(fleet: Fleet) -> None:
    machine = fleet.add()
    fleet.add(machine=machine)
    assert fleet.adopt() == 1
    assert "# - node2: says that it is Node k8s-node01 at 192.168.99.101, as does node1" in text()


class TestWaysIn:
    def test_bastion_is_used_and_in_the_stack(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        with SshServer(fleet.directory / "bastion") as bastion:
            key = str(bastion.directory / "user")
            assert fleet.adopt("--bastion", f"{getpass.getuser()}@127.0.0.1:{bastion.port}", "--ssh-key", key) == 0
            assert bastion.logins() == 2, "one for the host keys, one for all nodes"
        assert values()["ssh"]["bastion"] == {
            "host": "127.0.0.1",
            "port": bastion.port,
            "user": getpass.getuser(),
            "hostKey": " ".join(bastion.host_key().split()[:2]),
            "privateKeyFile": key,
        }
        assert problems() == ["certificateAuthority.privateKeyFile"]
        assert "bastion: host key SHA256:" in capsys.readouterr().err

    def test_bastion_that_is_down_is_named(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        key = str(fleet.servers[0].directory / "user")
        assert fleet.adopt("--bastion", f"127.0.0.1:{free_port()}", "--ssh-key", key) == 1
        assert capsys.readouterr().err.splitlines()[-1].startswith("bastion: [Errno 111] Connect call failed")

    def test_keys_of_the_agent_are_used_and_in_the_stack(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        fleet.add()
        server, socket = fleet.servers[0], str(fleet.directory / "agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        node = ["node1=127.0.0.1", "--port", str(server.port), "--user", getpass.getuser()]
        with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as agent:
            eventually(Path(socket).exists)
            subprocess.run(["ssh-add", "-q", server.directory / "user"], check=True)
            assert main(["Pulumi.prod.yaml", *node, "--agent", "--known-hosts", str(fleet.directory / "none")]) == 0
            agent.terminate()
        assert values()["ssh"].items() >= {"port": server.port, "agent": True}.items()
        assert problems() == ["certificateAuthority.privateKeyFile"]


class TestKnownHosts:
    def know(self, fleet: Fleet, key: str) -> None:
        port = fleet.servers[0].port
        (fleet.directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")

    def test_known_key_is_not_mentioned(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        self.know(fleet, fleet.servers[0].host_key())
        assert fleet.adopt() == 0
        assert "compare hostKey" not in text()
        assert "SHA256:" not in capsys.readouterr().err

    def test_other_key_than_the_known_one_is_refused(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        self.know(fleet, HOST_KEY)
        assert fleet.adopt() == 1
        assert "must have the host key" in capsys.readouterr().err
        assert not Path("Pulumi.prod.yaml").exists()

    def test_revoked_key_is_refused(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        known = f"@revoked * {fleet.servers[0].host_key()}"
        (fleet.directory / "known_hosts").write_text(known)
        assert fleet.adopt() == 1
        assert "node1: the host key must not be revoked, as it is in" in capsys.readouterr().err
        assert fleet.servers[0].logins() == 0

    def test_file_that_is_none_is_an_error(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        (fleet.directory / "known_hosts").write_text("@broken\n")
        assert fleet.adopt() == 1
        assert "must be a known_hosts file" in capsys.readouterr().err


class TestExistingFiles:
    @pytest.mark.parametrize("name", ["Pulumi.prod.yaml", "prod-ca.pem", "prod-nodes.yaml"])
    def test_are_kept_and_no_node_is_asked(self, fleet: Fleet, capsys: pytest.CaptureFixture[str], name: str) -> None:
        fleet.add()
        Path(name).write_text("mine")
        assert fleet.adopt() == 1
        assert f"{name}: must not exist: move it away" in capsys.readouterr().err
        assert Path(name).read_text() == "mine"
        assert fleet.servers[0].connections() == 0

    def test_with_force_secrets_and_others_keys_stay(self, fleet: Fleet) -> None:
        fleet.add()
        Path("Pulumi.prod.yaml").write_text(
            "encryptionsalt: v1:abc\nconfig:\n  aws:region: eu\n  kube-proxy:nodes: []\n  kube-proxy:nodesFile: x\n"
            "  kube-proxy:caPrivateKey: {secure: v1:def}\n  kube-proxy:sshPrivateKey: {secure: v1:ghi}\n"
        )
        assert fleet.adopt("--force") == 0
        document = yaml.safe_load(text())
        assert document["encryptionsalt"] == "v1:abc"
        assert document["config"]["aws:region"] == "eu"
        assert document["config"]["kube-proxy:caPrivateKey"] == {"secure": "v1:def"}
        assert "kube-proxy:nodesFile" not in document["config"]
        assert "give the CA's key" not in text()
        assert problems() == []

    def test_that_are_no_stack_are_kept_even_with_force(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        fleet.add()
        Path("Pulumi.prod.yaml").write_text("- mine")
        assert fleet.adopt("--force") == 1
        assert text() == "- mine"
        assert "must be a stack's file, of which other keys are kept" in capsys.readouterr().err


def test_password_of_sudo_is_asked_for_and_written_nowhere(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.add()
    monkeypatch.setattr(getpass, "getpass", lambda prompt: {"sudo password: ": "hunter2"}[prompt])
    assert fleet.adopt("--ask-sudo-password") == 0
    assert "give sudo's password: pulumi config set --secret kube-proxy:sudoPassword" in text()
    assert "hunter2" not in text() + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (EOFError(), "the sudo password must be given; no node was asked\n"),
        (KeyboardInterrupt(), "the sudo password must be given; no node was asked\n"),
        ("", "the sudo password must not be empty\n"),
        ("hunter\udce4", "the sudo password must be UTF-8 text\n"),
    ],
)
def test_without_a_password_of_sudo_no_node_is_asked(
    fleet: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str | BaseException,
    message: str,
) -> None:
    """At the end of input, as without a terminal, at Ctrl-C, and in a locale whose bytes are not UTF-8."""

    def ask(_: str) -> str:
        if isinstance(typed, BaseException):
            raise typed
        return typed

    fleet.add()
    monkeypatch.setattr(getpass, "getpass", ask)
    assert fleet.adopt("--ask-sudo-password") == 1
    assert capsys.readouterr().err.endswith(message)
    assert not Path("Pulumi.prod.yaml").exists()


def test_large_fleet_has_its_nodes_in_a_file(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "INLINE_NODES", 1)
    fleet.add()
    fleet.renamed(2)
    assert fleet.adopt() == 0
    assert values()["nodesFile"] == "prod-nodes.yaml"
    assert [node["name"] for node in yaml.safe_load(Path("prod-nodes.yaml").read_text())] == [
        "k8s-node01",
        "k8s-node02",
    ]
    assert problems() == ["certificateAuthority.privateKeyFile"]


class TestHostileNode:
    def test_text_is_printed_in_one_line_without_control_characters(
        self, fleet: Fleet, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine = fleet.add()
        machine.set_unit(FragmentPath="/etc/x\x1b[2J\rkube-proxy:nodes: []", DropInPaths="\u202e" + "y" * 5000)
        assert fleet.adopt() == 0
        shown = text() + capsys.readouterr().err
        assert not [char for char in shown if not char.isprintable() and char != "\n"]
        assert max(map(len, shown.splitlines())) < 500
        assert len(yaml.safe_load(text())["config"]["kube-proxy:nodes"]) == 1

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            ("yes", "the answer must be at most 4 MiB, is longer"),
            ("sleep 60", "must answer within 1 s"),
            ("echo Welcome", "/bin/sh must run as root for user"),
            ("kill -9 $PPID", "node1: "),
        ],
    )
    def test_host_that_does_not_answer_is_left_out(
        self,
        fleet: Fleet,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        command: str,
        reason: str,
    ) -> None:
        monkeypatch.setattr(question, "ANSWER_SECONDS", 1 if "sleep" in command else 60)
        server = SshServer(fleet.directory / "sshd1", extra=f"ForceCommand {command}")
        with server:
            fleet.servers.append(server)
            begin = time.monotonic()
            assert fleet.adopt() == 1
            assert time.monotonic() - begin < 30
        assert reason in capsys.readouterr().err
        assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prod.yaml", "a=10.1.2.3"], "prod.yaml: must be named Pulumi.<stack>.yaml"),
        (["Pulumi.../prod.yaml", "a=10.1.2.3"], "must be named Pulumi.<stack>.yaml"),
        (["Pulumi.prod.yaml"], "name the nodes in one way"),
        (["Pulumi.prod.yaml", "a=10.1.2.3", "--kubectl"], "name the nodes in one way"),
        (["Pulumi.prod.yaml", "a=10.1.2.3", "--ssh-key", "none"], "none: must be an SSH private key"),
        (["Pulumi.prod.yaml", "--ssh-key", "none", "a=10.1.2.3"], "none: must be an SSH private key"),
        (["Pulumi.prod.yaml", "--ssh-key", "/dev/zero", "a=10.1.2.3"], "/dev/zero: must be an SSH private key"),
        (
            ["Pulumi.prod.yaml", "--ssh-key", "~nobody-here/key", "a=10.1.2.3"],
            "~nobody-here/key: must be an SSH private",
        ),
        (["Pulumi.prod.yaml", "--kubectl", "none.json"], "none.json"),
    ],
)
def test_wrong_arguments_are_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_files_are_utf_8_in_any_locale(tmp_path: Path) -> None:
    script = "import pathlib; from commands.adopt import report; report.write({pathlib.Path('%s'): '\\u2026'})"
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", script % (tmp_path / "file")], cwd=REPOSITORY, env=ascii_only, check=True)
    assert (tmp_path / "file").read_bytes() == "…".encode()


def test_module_runs_without_make() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commands.adopt", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert "Pulumi.<stack>.yaml, to be written" in done.stdout
