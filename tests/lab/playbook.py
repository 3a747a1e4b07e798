"""The guide's playbook, run by Ansible against the lab's nodes, and the take-over of what it has deployed."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from development import debian_packages
from development.lab import loopback, ssh
from development.lab.loopback import SSH_PORT
from development.lab.node import Node
from development.progress import Steps
from tests.lab import generations, layouts, probe, takeovers
from tests.lab.cluster import PROJECT, Cluster

_GUIDE = PROJECT / "development/bench/guide"
# Ansible needs Python on a node. The node has the same Debian as this machine, and what these packages depend on.
_PYTHON = ("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libexpat1")
_CONFIGZ = "curl -s --fail --max-time 20 http://{}:10249/configz"


def take_over(cluster: Cluster) -> dict[str, takeovers.Outcome]:
    """Deploys by the playbook, takes the fleet over with the playbook's inventory, and gives it back.

    The stack must have no resources. Returns what it has cost on each node. Raises AssertionError.
    """
    written = cluster.configuration_file.read_text()
    with _deployed(cluster) as inventory:
        try:
            before = {node.name: layouts.state(node) for node in cluster.nodes}
            configuration = {node.name: _configuration(node) for node in cluster.nodes}
            starts = {node.name: generations.starts(node) for node in cluster.nodes}
            known = ["--known-hosts", str(inventory.with_name("known_hosts"))]
            remarks = takeovers.adopt(cluster, "--inventory", str(inventory), "--group", "k8s-workers", *known)
            (only,) = [line for line in remarks.partition("The first pulumi up:\n")[2].splitlines() if line[:2] == "- "]
            assert only == "- restarts kube-proxy once on each node: its kubeconfig gets a new client certificate"
            assert "Not carried over" not in remarks
            takeovers.succeed(cluster, "preview")
            with probe.probed(cluster.nodes) as answers:
                takeovers.succeed(cluster, "up", "--yes", "--skip-preview")
            restarts = {node.name: generations.starts(node) - starts[node.name] for node in cluster.nodes}
            assert {node.name: _configuration(node) for node in cluster.nodes} == configuration
            takeovers.succeed(cluster, "preview", "--expect-no-changes")
            with probe.probed(cluster.nodes) as at_removal:
                takeovers.succeed(cluster, "destroy", "--yes", "--skip-preview")
            assert {node.name: layouts.state(node) for node in cluster.nodes} == before
        finally:
            takeovers.succeed(cluster, "destroy", "--yes", "--skip-preview")
            cluster.configuration_file.write_text(written)
    return {name: takeovers.Outcome(restarts[name], answers[name], at_removal[name]) for name in restarts}


@contextmanager
def _deployed(cluster: Cluster) -> Iterator[Path]:
    """Runs the playbook, and removes afterwards what it has deployed. Yields its inventory."""
    _prepare(cluster)
    work = cluster.lab.state / "guide"
    work.mkdir(exist_ok=True)
    for name in ("kube-proxy.service.yaml", "kube-proxy.service.j2", "kube-proxy.conf", "default.cfg"):
        (work / name).write_text((_GUIDE / name).read_text())
    template = layouts.GUIDE_CONFIGURATION.replace("ADDRESS", "{{ ansible_default_ipv4.address }}")
    (work / "kube-proxy-config.yaml.j2").write_text(template.replace("NAME", "{{ inventory_hostname }}"))
    ((_, kubeconfig, _),) = layouts.credentials(cluster, layouts.GUIDE)
    (work / "kube-proxy.kubeconfig").write_bytes(kubeconfig)
    _write_inventory(cluster, work)
    variables = {"ANSIBLE_HOME": str(work), "ANSIBLE_CONFIG": "default.cfg", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [PROJECT / ".venv/bin/ansible-playbook", "-i", "inventory.yaml", "kube-proxy.service.yaml"],
            cwd=work,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for node in cluster.nodes:
            layouts.await_service(node)
        yield work / "inventory.yaml"
    finally:
        for node in cluster.nodes:
            layouts.remove(node, layouts.GUIDE)


def _prepare(cluster: Cluster) -> None:
    """What the guide's other chapters have on a node before this one, and Python."""
    with Steps() as steps, steps.step("Python for Ansible") as step:
        debian_packages.install(step, cluster.lab.log / "apt-get.log", _PYTHON)
    listed = subprocess.run(["dpkg", "--listfiles", *_PYTHON], capture_output=True, text=True, check=True).stdout
    files = "".join(f"{name}\n" for name in listed.splitlines() if Path(name).is_file() and "/doc/" not in name)
    python = subprocess.run(["tar", "-cz", "-T", "-"], input=files.encode(), capture_output=True, check=True).stdout
    binary = (cluster.lab.bin / "kube-proxy").read_bytes()
    for node in cluster.nodes:
        node.run("modprobe -a nf_conntrack ip_vs ip_vs_rr; tar -xz -C /", stdin=python, seconds=300)
        node.run(f"mkdir -p /etc/kubernetes; cat >{layouts.BINARY}; chmod 755 {layouts.BINARY}", binary, seconds=300)


def _write_inventory(cluster: Cluster, work: Path) -> None:
    addresses = {node: loopback.choose(cluster.lab).of(node.worker.address) for node in cluster.nodes}
    keys = {node: ssh.public(ssh.host_key(cluster.lab, node.worker)) for node in cluster.nodes}
    known = "".join(f"[{address}]:{SSH_PORT} {keys[node]}\n" for node, address in addresses.items())
    (work / "known_hosts").write_text(known)
    login = {
        "ansible_user": "root",
        "ansible_port": SSH_PORT,
        "ansible_ssh_private_key_file": str(ssh.client_key(cluster.lab)),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={work / 'known_hosts'}",
        "ansible_python_interpreter": "/usr/bin/python3.11",
    }
    hosts = {node.name: {"ansible_host": address} for node, address in addresses.items()}
    own = {"CLUSTER_CIDR": "172.30.0.0/16", "K8S_DIR": "/opt/k8s"}
    inventory = {"k8s-workers": {"hosts": hosts, "vars": login | own}}
    (work / "inventory.yaml").write_text(yaml.safe_dump(inventory))


def _configuration(node: Node) -> dict[str, Any]:
    """Returns the configuration in the memory of the node's kube-proxy."""
    return dict(json.loads(node.run(_CONFIGZ.format(node.worker.address))))
