"""Preflight names everything that a node lacks, at once, with the way out, and changes nothing."""

import pytest

from tests.scripts.fake_node import PROGRAMS, FakeNode


def test_a_ready_node_says_so_and_is_left_alone(node: FakeNode) -> None:
    before = sorted(path for path in node.root.rglob("*") if "run" not in path.parts)
    done = node.run("preflight")
    assert done.returncode == 0
    assert done.stderr == "k8s-node01: preflight: ready for kube-proxy 1.36.2 in mode ipvs\n"
    assert sorted(path for path in node.root.rglob("*") if "run" not in path.parts) == before


def test_all_that_is_missing_is_named_at_once(node: FakeNode) -> None:
    node.write("missing-modules", "ip_vs\nnf_conntrack\n")
    node.write("listeners", 'LISTEN 0 4096 *:10256 *:* users:(("nginx",pid=99,fd=3))\n')
    node.parameters["BINARY_SHA256"] = ""
    done = node.run("preflight")
    assert done.returncode == 1
    lines = [line.removeprefix("k8s-node01: preflight: ") for line in done.stderr.splitlines()]
    assert [line.split(":")[0] for line in lines[:2]] == [
        "kernel module nf_conntrack must be available for mode ipvs",
        "kernel module ip_vs must be available for mode ipvs",
    ]
    assert lines[2] == (
        'port 192.168.99.101:10256 must be free for kube-proxy, is in use by "nginx",pid=99,fd=3: '
        "stop that process, or choose another port in kube-proxy:configuration"
    )
    assert "binary.sha256" in lines[3]
    assert lines[4].startswith("4 of this node's requirements are not met (see above); nothing was changed;")


def test_a_module_that_is_switched_off_is_as_good_as_none(node: FakeNode) -> None:
    """modprobe loads nothing then, and its dry run ends well."""
    node.write("switched-off-modules", "ip_vs_rr\n")
    done = node.run("preflight")
    assert done.returncode == 1
    assert (
        "kernel module ip_vs_rr must be loadable for mode ipvs, is disabled: remove its 'install' line "
        "(grep -rw ip_vs_rr /etc/modprobe.d)" in done.stderr
    )


def test_kube_proxys_own_listeners_are_no_obstacle(node: FakeNode) -> None:
    assert node.deploy().returncode == 0
    assert node.run("preflight").returncode == 0


def test_another_address_on_the_same_port_is_no_obstacle(node: FakeNode) -> None:
    node.write("listeners", 'LISTEN 0 4096 127.0.0.1:10256 0.0.0.0:* users:(("nginx",pid=99,fd=3))\n')
    assert node.run("preflight").returncode == 0


def test_a_preinstalled_binary_must_be_there_and_of_that_version(node: FakeNode) -> None:
    node.parameters |= {"BINARY_SOURCE": "preinstalled"}
    assert "must be an executable file (binary.source is preinstalled)" in node.run("preflight").stderr
    node.write("/usr/local/bin/kube-proxy", "#!/bin/sh\necho Kubernetes v1.35.1\n")
    node.path("/usr/local/bin/kube-proxy").chmod(0o755)
    assert "must be version 1.36.2, reports 'Kubernetes v1.35.1'" in node.run("preflight").stderr


@pytest.mark.parametrize(
    ("release", "problem"),
    [
        ("5.10.0-30-amd64", "mode nftables needs Linux 5.13 or newer, this node has 5.10.0-30-amd64"),
        ("6.1.0-44-amd64", ""),
    ],
)
def test_nftables_needs_a_kernel_that_has_what_it_uses(node: FakeNode, release: str, problem: str) -> None:
    programs = node.root / "programs"
    programs.mkdir()
    for name, answer in {
        "uname": f"case $1 in -m) echo x86_64 ;; *) echo {release} ;; esac",
        "nft": "echo 'nftables v1.0.6 (Lester Gooch #5)'",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{answer}\n")
        (programs / name).chmod(0o755)
    node.parameters["MODE"] = "nftables"
    done = node.run("preflight", PATH=f"{programs}:{PROGRAMS}:/usr/bin:/bin:/usr/sbin:/sbin")
    assert (done.returncode == 0) is (problem == "")
    assert problem in done.stderr


def test_programs_must_be_new_enough(node: FakeNode) -> None:
    node.write("iptables-version", "1.6.1")
    node.write("ipset-version", "4.5")
    said = node.run("preflight").stderr
    assert "mode ipvs needs iptables 1.6.2 or newer, this node has 1.6.1: upgrade the package iptables" in said
    assert "mode ipvs needs ipset 6.0 or newer, this node has 4.5: upgrade the package ipset" in said
