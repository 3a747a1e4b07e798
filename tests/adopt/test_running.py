"""What a node's answers mean: configuration in force, cluster, binary, and what stands in the way."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from commands.adopt import stack
from commands.adopt.question import answers
from commands.adopt.running import NotAdoptableError, read_running
from commands.adopt.sources import Host
from settings.load import find_problems
from tests.adopt.conftest import MakeMachine
from tests.adopt.layouts import ADDRESS, FLAGS, GUIDE, HARD_WAY, KUBEASZ, LAYOUTS, NAME, Layout
from tests.adopt.machine import KEY, PID, everything_in


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@pytest.mark.parametrize("metrics", [True, False], ids=["configz", "no configz"])
def test_layout_becomes_a_stack_that_changes_nothing_in_force(
    make_machine: MakeMachine, tmp_path: Path, authority: str, layout: Layout, metrics: bool
) -> None:
    machine = make_machine(layout)
    if not metrics:
        machine.write("sockets", "")
    node = read_running(machine.ask())
    values = stack.compose([node], "prod-ca.pem", "~/.ssh/id_ed25519")

    assert values["configuration"] == layout.expected
    assert stack.changed_fields(values, [node]) == [[]]
    assert (node.name, node.address, node.version, node.api_version) == (NAME, ADDRESS, "1.36.2", "1.36.3")
    cidr = layout.configuration["clusterCIDR"]
    assert values["cluster"] == {"server": layout.server, "clusterCIDR": cidr, "version": "1.36.3"}
    assert node.authority == authority
    assert node.to_do == list(layout.to_do)
    assert values.get("service", {}) == layout.service
    errors = [problem for problem in find_problems(values, tmp_path, ()) if problem.severity == "error"]
    assert [error.path for error in errors] == ["certificateAuthority.privateKeyFile"]
    assert [note.split(":")[0] for note in node.notes] == ([] if metrics else ["/configz"])


def test_asking_changes_nothing_on_the_node_and_leaves_every_key_there(make_machine: MakeMachine) -> None:
    for layout in (GUIDE, FLAGS):
        machine = make_machine(layout, layout.name)
        before = everything_in(machine.root)
        answered = machine.ask().answers
        assert everything_in(machine.root) == before
        assert answered["end"] == ""
        assert not [
            name for name, text in answered.items() if "client-" in text or "PRIVATE" in text or KEY[30:] in text
        ]


@pytest.mark.parametrize(
    "users",
    [
        "users: [{name: kube-proxy, user: {client-key-data: c2VjcmV0}}]",
        'users: [{"name": "kube-proxy", "user": {"token": "c2VjcmV0"}}]',
        "users:\n- name: kube-proxy\n  user: {token: c2VjcmV0}",
        "users:\n- name: kube-proxy\n  user:\n    token: |\n      c2VjcmV0\n    password: c2VjcmV0",
        "users:\n- name: kube-proxy\n  user:\n    token: >-\n      c2VjcmV0",
        '{"users": [{"name": "kube-proxy", "user": {"client-key-data": "c2VjcmV0"}}]}',
        "clusters:\n- cluster:\n    proxy-url: http://me:c2VjcmV0@192.168.99.10:3128",
    ],
)
def test_kubeconfigs_secrets_stay_on_the_node(make_machine: MakeMachine, users: str) -> None:
    machine = make_machine()
    machine.write(GUIDE.kubeconfig, f"{machine.root.joinpath(GUIDE.kubeconfig[1:]).read_text()}{users}\n")
    assert not [text for text in machine.ask().answers.values() if "c2VjcmV0" in text]


def test_text_of_the_login_shell_is_no_answer(make_machine: MakeMachine) -> None:
    machine = make_machine()
    output = machine.output()

    assert answers(f"Welcome\nhostname aGk=\n>{output}bye", "MARK") == answers(output, "MARK")
    assert answers(output, "OTHER") == {}


def test_file_that_was_changed_after_the_start_is_noted_and_the_memory_counts(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.write("configuration", yaml.safe_dump(GUIDE.configuration | {"mode": "nftables", "oomScoreAdj": -998}))
    node = read_running(machine.ask())
    assert node.configuration["mode"] == "ipvs"
    assert node.notes == [
        "mode, oomScoreAdj: kube-proxy runs with another value than in its file; the stack has what runs"
    ]


def test_script_named_kube_proxy_is_not_started_again(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.write("version", "GNU bash, version 5.2.15")
    assert machine.ask().answers["configuration"].strip() == ""
    with pytest.raises(NotAdoptableError, match="kube-proxy --version must print a version"):
        read_running(machine.ask())


@pytest.mark.parametrize(
    ("command", "group", "reason"),
    [
        ("k3s-agent", "/system.slice/k3s-agent.service", "k3s-agent has kube-proxy built in"),
        ("kubelite", "/system.slice/snap.microk8s.daemon-kubelite.service", "kubelite has kube-proxy built in"),
        ("hyperkube", "/system.slice/kube-proxy.service", "runs hyperkube, which Kubernetes 1.19 removed"),
        ("kube-proxy", "/kubepods.slice/kubepods-pod1.slice/cri-containerd-2.scope", "runs in a container"),
        ("kube-proxy", "/system.slice/docker-0123.scope", "runs in a container"),
        ("kube-proxy", "/user.slice/user-0.slice/session-1.scope", "must be the main process of a systemd service"),
        ("kube-proxy", "/system.slice/supervisor.service", "must be the main process of a systemd service"),
        (None, "", "no kube-proxy runs there"),
    ],
)
def test_other_kube_proxies_are_not_adoptable(
    make_machine: MakeMachine, command: str | None, group: str, reason: str
) -> None:
    machine = make_machine()
    machine.end()
    if command:
        machine.process(99, command, group, GUIDE.binary, [])
    with pytest.raises(NotAdoptableError, match=reason):
        read_running(machine.ask())


@pytest.mark.parametrize(("unit", "main"), [("kube-proxy", "sh"), ("kube-proxy", "supervisord"), ("cron", "sh")])
def test_shell_may_start_kube_proxy_in_its_own_unit_only(make_machine: MakeMachine, unit: str, main: str) -> None:
    machine = make_machine()
    machine.write("proc/77/comm", f"{main}\n")
    machine.write(f"unit/{unit}.service.pid", "77")
    machine.write(f"proc/{PID}/cgroup", f"0::/system.slice/{unit}.service\n")
    machine.write(f"proc/{PID}/status", "Name:\tkube-proxy\nPPid:\t77\nUid:\t0\t0\t0\t0\n")
    if (unit, main) == ("kube-proxy", "sh"):
        node = read_running(machine.ask())
        assert node.configuration["mode"] == "ipvs"
        assert node.notes == ["the unit starts kube-proxy by a shell, which may do more: ours starts kube-proxy alone"]
        assert node.to_do == []
    else:
        with pytest.raises(NotAdoptableError, match="must be the main process of a systemd service"):
            read_running(machine.ask())


def test_unit_of_another_user_counts_only_if_it_is_the_systems(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.process(99, "kube-proxy", "/user.slice/user-1000.slice/kube-proxy.service", "/home/me/kube-proxy", [])
    node = read_running(machine.ask())
    assert node.asked.answers["arguments"].startswith(GUIDE.binary)


def test_program_of_another_user_is_not_run(make_machine: MakeMachine) -> None:
    """It would run as root, whatever it is."""
    machine = make_machine()
    machine.write(f"proc/{PID}/status", "Name:\tkube-proxy\nUid:\t1001\t0\t0\t0\n")
    assert "version" not in machine.ask().answers
    with pytest.raises(NotAdoptableError, match="must be the main process of a systemd service, as root"):
        read_running(machine.ask())


@pytest.mark.parametrize("command", ["kube-proxy yes", "kube-proxy\tx", "kube-proxy shell"])
def test_program_of_another_user_is_not_run_whatever_its_name(make_machine: MakeMachine, command: str) -> None:
    """Any process can give itself a name with a space."""
    machine = make_machine()
    ran = machine.root / "ran"
    machine.write("/home/me/program", f"#!/bin/sh\ntouch '{ran}'\n").chmod(0o755)
    machine.process(99, command, "/user.slice/user-1000.slice/session-1.scope", "/home/me/program", [])
    machine.write("proc/99/status", "Name:\tkube-proxy\nUid:\t1000\t1000\t1000\t1000\n")
    assert read_running(machine.ask()).to_do == []
    assert not ran.exists()


def test_kube_proxy_of_another_network_is_not_this_nodes(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.write(f"proc/{PID}/ns/other", "")
    (machine.root / f"proc/{PID}/ns/net").symlink_to("net:[4026532000]")
    with pytest.raises(NotAdoptableError, match="no kube-proxy runs there"):
        read_running(machine.ask())


def test_what_surrounds_the_unit_is_noted(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.set_unit(
        DropInPaths="/etc/systemd/system/kube-proxy.service.d/50-nice.conf",
        ExecStartPre="{ path=/sbin/modprobe ; argv[]=/sbin/modprobe ip_vs ; ignore_errors=yes ; pid=0 }",
    )
    machine.write(
        f"proc/{PID}/environ", "HTTPS_PROXY=http://me:c2VjcmV0@proxy:3128\0GODEBUG=x=1\0KUBE_PROXY_ARGS=--v=2\0HOME=/\0"
    )
    node = read_running(machine.ask())
    assert node.to_do == ["drop-ins of the unit stay in force: /etc/systemd/system/kube-proxy.service.d/50-nice.conf"]
    assert node.notes == [
        "ExecStartPre of the unit: /sbin/modprobe ip_vs",
        "environment variables GODEBUG, HTTPS_PROXY: the unit sets none; cluster.proxyURL is a proxy to the API",
    ]
    assert "c2VjcmV0" not in str(node.asked.answers)


def test_binary_that_was_replaced_while_it_ran_is_noted(make_machine: MakeMachine) -> None:
    machine = make_machine()
    exe = machine.root / "proc" / str(PID) / "exe"
    machine.write("usr/local/bin/kube-proxy (deleted)", exe.read_text()).chmod(0o755)
    exe.unlink()
    exe.symlink_to(machine.root / "usr/local/bin/kube-proxy (deleted)")
    assert read_running(machine.ask()).to_do == [
        "its binary /usr/local/bin/kube-proxy (deleted) was replaced while it ran: install 1.36.2 as "
        "/usr/local/bin/kube-proxy, or set binary.source to file or url"
    ]


def test_link_to_the_binary_is_the_binary(make_machine: MakeMachine) -> None:
    machine = make_machine(KUBEASZ)
    (machine.root / "usr/local/bin/kube-proxy").symlink_to(machine.root / "opt/kube/bin/kube-proxy")
    node = read_running(machine.ask())
    assert (node.binary_directory, node.to_do) == ("/usr/local/bin", [])


@pytest.mark.parametrize(
    "binary", ["/opt/kube-proxy-1.36/kube-proxy-1.36", "/run/bin/kube-proxy", "/opt/my bin/kube-proxy"]
)
def test_binary_that_a_stack_can_not_name_is_noted(make_machine: MakeMachine, binary: str) -> None:
    node = read_running(make_machine(replace(GUIDE, binary=binary)).ask())
    assert node.binary_directory == "/usr/local/bin"
    assert node.to_do == [
        f"its binary {binary} is not /usr/local/bin/kube-proxy: install 1.36.2 as /usr/local/bin/kube-proxy, or set "
        "binary.source to file or url"
    ]


def test_listeners_that_are_off_are_noted(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.serve(f"http://{GUIDE.metrics}/configz", machine.configz(GUIDE.configuration | {"healthzBindAddress": ""}))
    assert "healthzBindAddress: is off; this program needs it and turns it on" in read_running(machine.ask()).notes


class TestHostileNode:
    """Nothing that a node answers can be more than a value that settings/ accepts, or a printable line."""

    def configured(self, machine_of: MakeMachine, **fields: object) -> list[str]:
        machine = machine_of()
        machine.serve(f"http://{GUIDE.metrics}/configz", machine.configz(GUIDE.configuration | fields))
        machine.write("configuration", "")
        return read_running(machine.ask()).notes

    def test_invalid_fields_are_left_out_and_noted(self, make_machine: MakeMachine) -> None:
        notes = self.configured(make_machine, oomScoreAdj="\x1b[2J", ipvs=[1], surprise={"a": 1})
        assert [note.split(":")[0] for note in notes] == ["ipvs", "oomScoreAdj", "surprise"]
        assert not [note for note in notes if not note.isprintable()]

    def test_mode_that_is_none_is_refused(self, make_machine: MakeMachine) -> None:
        with pytest.raises(NotAdoptableError, match="mode must be one of ipvs, iptables, nftables"):
            self.configured(make_machine, mode={"a": "ipvs"})

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "", "x" * 300, "a\nb: c"])
    def test_name_that_is_none_is_refused(self, make_machine: MakeMachine, name: str) -> None:
        machine = make_machine()
        machine.write("configuration", "")
        fields = GUIDE.configuration | {"hostnameOverride": name}
        machine.serve(f"http://{GUIDE.metrics}/configz", machine.configz(fields))
        if name:
            with pytest.raises(NotAdoptableError, match="must be a host name"):
                read_running(machine.ask())
        else:
            assert read_running(machine.ask()).name == NAME

    @pytest.mark.parametrize(
        "text",
        [
            "&a [*a, *a]",
            "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12)),
            "[" * 5000,
            "{" * 5000 + "}" * 5000,
            "\0",
            "- 1",
            "!!python/object:os.system {}",
        ],
    )
    def test_yaml_that_is_no_configuration_is_refused(self, make_machine: MakeMachine, text: str) -> None:
        machine = make_machine()
        machine.write("sockets", "")
        machine.write("configuration", text)
        asked = machine.ask()
        begin = time.monotonic()
        with pytest.raises(NotAdoptableError, match="must show its configuration"):
            read_running(asked)
        assert time.monotonic() - begin < 5

    def test_kubeconfig_of_any_shape_is_only_noted(self, make_machine: MakeMachine) -> None:
        for number, text in enumerate(
            ["", "clusters: 1", "contexts:\n- name: x\ncurrent-context: x", "kind: [", "server: http://x"]
        ):
            machine = make_machine(HARD_WAY, str(number))
            machine.write(HARD_WAY.kubeconfig, text)
            node = read_running(machine.ask())
            assert node.cluster == {"clusterCIDR": "10.200.0.0/16"}
            assert any(note.startswith("the CA of /var/lib/kube-proxy/kubeconfig: must be") for note in node.notes)

    def test_long_answers_are_cut_off(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.write("version", "Kubernetes v1.36.2" + "x" * 10_000_000)
        machine.write("configuration", "a" * 10_000_000)
        assert len(machine.output()) < 1_000_000


def test_inventory_address_counts_if_kube_proxy_has_none(make_machine: MakeMachine) -> None:
    machine = make_machine(KUBEASZ)
    assert read_running(machine.ask(Host("a", "192.168.99.7"))).address == "192.168.99.7"
    assert read_running(machine.ask(Host("a", "worker.example.org"))).address == ADDRESS  # where the login came in
    assert read_running(machine.ask(Host("a", "127.0.0.1", address="192.168.99.8"))).address == "192.168.99.8"


def test_node_name_that_kube_proxy_does_not_use_is_noted(make_machine: MakeMachine) -> None:
    node = read_running(make_machine().ask(Host("a", ADDRESS, node_name="k8s-node09")))
    assert node.name == "k8s-node09"
    assert node.notes == ["kube-proxy calls its Node k8s-node01: it waits for that one and writes no rules"]


@pytest.mark.parametrize("group", ["/system.slice/kubernetes-proxy.service", "/kubepods/pod1/0123"])
def test_second_kube_proxy_must_be_stopped(make_machine: MakeMachine, group: str) -> None:
    machine = make_machine()
    machine.process(PID + 1, "kube-proxy", group, GUIDE.binary, [])
    others = f"another kube-proxy runs there, and each deletes the other's rules: stop process {PID + 1} ({group})"
    assert read_running(machine.ask()).to_do == [others]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("10.200.1.7/16", "10.200.0.0/16"), ("10.200.0.0/16,fd00:1::5/48", "10.200.0.0/16,fd00:1::/48")],
)
def test_cluster_cidr_is_the_networks_address(make_machine: MakeMachine, given: str, expected: str) -> None:
    machine = make_machine()
    machine.write("sockets", "")
    machine.write("configuration", yaml.safe_dump(GUIDE.configuration | {"clusterCIDR": given}))
    assert read_running(machine.ask()).cluster["clusterCIDR"] == expected


def test_master_wins_over_the_kubeconfigs_server(make_machine: MakeMachine) -> None:
    machine = make_machine(FLAGS)
    (machine.root / "proc" / str(PID) / "exe").unlink()
    arguments = [*FLAGS.arguments.split(), "--master", "https://192.168.99.9:6443"]
    (machine.root / "proc" / str(PID) / "cwd").unlink()
    machine.process(PID, "kube-proxy", f"/system.slice/{machine.unit}", FLAGS.binary, arguments)
    assert read_running(machine.ask()).cluster["server"] == "https://192.168.99.9:6443"
