"""`make preflight`: all nodes of a stack are asked over SSH, with the preflight of `pulumi up`, and nothing stays there."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.preflight import asking
from commands.preflight.__main__ import main
from commands.preflight.fleet import InputError, read_fleet
from components.delivery import SCRIPTS, Delivery
from tests.components.ssh_hosts import ASK, KEY, PASSWORD, private_key
from tests.preflight.conftest import HOST_KEY, Ask, Host, WriteStack
from tests.scripts.fake_node import FakeNode

NODE = {"name": "k8s-node01", "address": "192.168.99.101", "hostKey": HOST_KEY}
REFUSE = "echo 'sudo: a password is required' >&2; exit 1"


@pytest.fixture
def login_shell(tmp_path: Path) -> Callable[[str], str]:
    """Write a login shell that runs a text, in which "$2" is the command."""

    def write(text: str) -> str:
        file = tmp_path / f"shell{len(text)}"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return str(file)

    return write


class TestNodes:
    def test_ready_fleet_ends_with_status_0(self, ask: Ask) -> None:
        status, printed, _ = ask([Host()])
        assert (status, printed) == (0, "NODE         STATE   SEE\nk8s-node01   ready\n\n1 node: 1 ready\n")

    def test_each_node_is_there_with_all_remarks_and_reasons(
        self, ask: Ask, node: FakeNode, login_shell: Callable[[str], str]
    ) -> None:
        """What a login prints is no answer, and a host that is down doesn't keep the others."""
        node.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        node.path("/kube-ipvs0").unlink()
        node.write("/proc/net/ip_vs", "")
        banner = login_shell('echo "k8s-node02: welcome"; printf "> "; eval "$2"')
        hosts = [Host(), Host(shell=banner), Host(dead=True), Host("deploy"), Host("deploy", sudo=REFUSE)]
        status, printed, _ = ask(hosts, "--mode", "iptables")
        assert status == 1
        table, _, rest = printed.partition("\n\n")
        assert table.splitlines() == [
            "NODE         STATE                 SEE",
            "k8s-node01   ready, with remarks   1",
            "k8s-node02   ready, with remarks   1",
            "k8s-node03   not ready             2",
            "k8s-node04   ready, with remarks   1",
            "k8s-node05   not ready             3",
        ]
        assert re.fullmatch(
            r"""Remarks:
1\.  k8s-node01, k8s-node02, k8s-node04
    net\.ipv4\.ip_forward is 0, so pods .*

Not ready, because:
2\.  k8s-node03
    127\.0\.0\.1:\d+ must answer as an SSH server, tried 3 times: .*, or remove it from the configuration
3\.  k8s-node05
    user deploy must be able to run /bin/sh as root .* but the host printed: sudo: a password is required; .*

5 nodes: 3 ready with remarks, 2 not ready
""",
            rest,
        )

    def test_all_problems_of_a_node_are_data(self, ask: Ask, node: FakeNode) -> None:
        node.write("missing-modules", "ip_vs\n")
        node.write("listeners", 'LISTEN 0 4096 *:10256 *:* users:(("x\x1b[2J",pid=99,fd=3))\n')
        status, printed, _ = ask([Host()], "--format", "json")
        (found,) = json.loads(printed)
        assert (status, found["node"], found["ready"], found["remarks"]) == (1, "k8s-node01", False, [])
        assert [problem.split(":")[0] for problem in found["problems"]] == [
            "kernel module ip_vs must be available for mode ipvs",
            "port 192.168.99.101",
        ]
        assert '"x[2J",pid=99,fd=3' in found["problems"][1]

    def test_sudos_password_is_read_by_sudo_alone(self, ask: Ask, values: dict[str, Any]) -> None:
        values["sudoPassword"] = PASSWORD
        assert ask([Host("deploy", sudo=ASK), Host("deploy")])[0] == 0

    def test_nodes_stack_is_compared_without_the_organization(self, ask: Ask, node: FakeNode) -> None:
        state = "/var/lib/kube-proxy-generations"
        node.write(f"{state}/node", "k8s-node01\n")
        node.write(f"{state}/stack", "acme/kube-proxy/prod\n")
        assert "1 ready\n" in ask([Host()])[1]
        node.write(f"{state}/stack", "acme/kube-proxy/other-prod\n")
        assert "the stack acme/kube-proxy/other-prod has deployed this node" in ask([Host()])[1]

    def test_node_that_prints_too_much_or_nothing_is_not_ready(
        self, ask: Ask, login_shell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "SECONDS", 3)
        flood = login_shell("head -c 3000000 /dev/zero | tr '\\0' x")
        silent, no_login = login_shell("sleep 9"), login_shell("exec /usr/sbin/nologin")
        hosts = [Host(shell=flood), Host(shell=silent), Host(shell=no_login)]
        status, printed, _ = ask(hosts)
        must = "    preflight must run as root, with /bin/sh, tar, gzip and room in /run, but "
        assert status == 1
        assert [line.removeprefix(must) for line in printed.splitlines() if line.startswith(must)] == [
            "the host printed more than 1 MiB",
            "the host did not answer within 3 s",
            "the host printed: This account is currently not available.",
        ]

    def test_preflight_that_ends_in_the_middle_is_no_answer(self, ask: Ask, login_shell: Callable[[str], str]) -> None:
        cut_off = login_shell(
            'eval "$2" | sed "/of this node.s requirements/d; s/ready for .*/sort: not found/; s/0$/1/"'
        )
        endless = login_shell('eval "$2" | sed "/ready for /d; s/0$/124/"')
        printed = ask([Host(shell=cut_off), Host(shell=endless)])[1]
        assert "but its exit status was 1: " in printed
        assert "but it did not end within 120 s\n" in printed

    def test_preflight_that_ends_unexpectedly_is_one_problem(self, ask: Ask, login_shell: Callable[[str], str]) -> None:
        killed = login_shell('eval "$2" | sed "s/ready for .*/ended unexpectedly, with status 137; …/; s/0$/137/"')
        printed = ask([Host(shell=killed)])[1]
        assert "but its exit status was 137: no message" in printed
        assert "ended unexpectedly" not in printed


class TestNothingStays:
    """The directory has the process number of the shell in its name."""

    def start(self, node: FakeNode) -> "subprocess.Popen[bytes]":
        lines = (SCRIPTS / "preflight_only.sh").read_text()
        path = f"{node.path('/host1')}:{os.environ['PATH']}"
        pipe = subprocess.PIPE
        return subprocess.Popen(
            ["/bin/sh", "-c", lines, "x", "0"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env={"PATH": path}
        )

    def left(self, process: "subprocess.Popen[bytes]") -> list[Path]:
        process.wait(30)
        return list(Path("/run").glob(f"kube-proxy.{process.pid}.*"))

    def test_after_an_answer_or_a_connection_that_is_lost(self, node: FakeNode) -> None:
        archive = Delivery({**node.parameters, "NODE": "x"}, node.files).archive()
        slow = node.path("/host1")
        slow.mkdir()
        (slow / "timeout").write_text("#!/bin/sh\npwd; sleep 0.2; echo too late; exit 1\n")
        (slow / "timeout").chmod(0o755)

        answered = self.start(node)
        printed, _ = answered.communicate(archive)
        assert printed.endswith(b"too late\n\npreflight 0 1\n")
        assert self.left(answered) == []

        during_upload = self.start(node)
        during_upload.communicate(archive[:5000])
        assert during_upload.returncode != 0
        assert self.left(during_upload) == []

        during_preflight = self.start(node)
        assert during_preflight.stdin
        assert during_preflight.stdout
        during_preflight.stdin.write(archive)
        during_preflight.stdin.close()
        during_preflight.stdout.read(1)
        during_preflight.stdout.close()
        assert self.left(during_preflight) == []


class TestFile:
    @pytest.mark.parametrize("values_of", ["ssh", "certificateAuthority"])
    def test_error_in_the_file_ends_with_status_2_and_its_line(
        self, values: dict[str, Any], write_stack: WriteStack, capsys: pytest.CaptureFixture[str], values_of: str
    ) -> None:
        values[values_of] = {"prot": 1}
        file = write_stack([NODE])
        assert main([str(file)]) == 2
        line = file.read_text().partition("prot")[0].count("\n") + 1
        assert f"{file}:{line}: error: {values_of}.prot: Forbidden: unknown key" in capsys.readouterr().err

    def test_key_that_is_missing_here_is_an_error(
        self, values: dict[str, Any], write_stack: WriteStack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        values["ssh"]["privateKeyFile"] = "other"
        assert main([str(write_stack([NODE]))]) == 2
        assert 'error: ssh.privateKeyFile: Not found: "other": must name an existing file' in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["Pulumi.yaml", "stack.yaml", "Pulumi.prod.yaml"])
    def test_file_must_be_a_stacks(self, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([str(tmp_path / name)]) == 2
        assert re.search(
            r"must be (named Pulumi\.<stack>\.yaml|a readable file: No such file)", capsys.readouterr().err
        )

    def test_mode_takes_the_place_of_the_fleets_mode(self, write_stack: WriteStack) -> None:
        own = {**NODE, "name": "own", "address": "192.168.99.102", "configuration": {"mode": "iptables"}}
        file = write_stack([NODE, own])

        def modes(mode: str | None) -> list[str]:
            return [delivery.parameters["MODE"] for _, delivery in read_fleet(file, mode)]

        assert modes(None) == ["ipvs", "iptables"]
        assert modes("nftables") == ["nftables", "iptables"]

    def test_delivery_is_that_of_pulumi_up_but_for_the_certificate(self, write_stack: WriteStack) -> None:
        ((_, delivery),) = read_fleet(write_stack([NODE]), None)
        assert delivery.parameters["STACK"] == "kube-proxy/prod"
        assert "kube-proxy.kubeconfig" not in delivery.files
        assert "NOT_AFTER" not in delivery.parameters
        assert "bindAddress: 192.168.99.101" in delivery.files["kube-proxy-config.yaml"]


class TestSecrets:
    @pytest.fixture
    def pulumi(self, tmp_path: Path, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
        """A pulumi that has the key, which is a secret of the stack."""
        values["ssh"] = {}
        values["sshPrivateKey"] = {"secure": "v1:0123456789abcdef:ZmFrZQ=="}
        program = tmp_path / "bin/pulumi"
        program.parent.mkdir()
        (tmp_path / "key").write_text(private_key(KEY).get_secret_value().strip())
        program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\ncat {tmp_path}/key\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return program

    @pytest.mark.usefixtures("pulumi")
    def test_only_secrets_that_a_login_needs_are_decrypted(self, write_stack: WriteStack, tmp_path: Path) -> None:
        ((node, _),) = read_fleet(write_stack([NODE]), None)
        assert node.ssh.private_key == private_key(KEY)
        (call,) = (tmp_path / "calls").read_text().splitlines()
        assert call.startswith("config get kube-proxy:sshPrivateKey --stack prod --non-interactive --cwd ")

    def test_pulumi_that_refuses_is_reported_with_its_reason(self, pulumi: Path, write_stack: WriteStack) -> None:
        pulumi.write_text("#!/bin/sh\necho 'error: passphrase must be set\x1b[2J' >&2; exit 255\n")
        with pytest.raises(InputError) as raised:
            read_fleet(write_stack([NODE]), None)
        assert raised.value.lines[0].endswith(
            "error: sshPrivateKey: is encrypted, so this must print it: pulumi config get kube-proxy:sshPrivateKey "
            "--stack prod --non-interactive: error: passphrase must be set\x1b[2J; a login with ssh.privateKeyFile or "
            "ssh.agent needs no secret"
        )

    def test_pulumi_need_not_be_installed_without_secrets(
        self, write_stack: WriteStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        assert len(read_fleet(write_stack([NODE]), None)) == 1
