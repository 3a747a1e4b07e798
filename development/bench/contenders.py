"""The contenders: ways to deploy kube-proxy to a fleet. docs/benchmarks/README.md says what each does."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from development import commands
from development.bench import floor
from development.bench.preparation import LAB, VENV
from development.lab import environment, stack
from development.toolchain import KUBERNETES

PROJECT = Path(__file__).parents[2]
_GUIDE = Path(__file__).parent / "guide"
_WORK = LAB.state / "work"
_NODES_FILE = _WORK / "nodes-of-the-stack.yaml"
_CLUSTER_CIDR = "172.30.0.0/16"


@dataclass(frozen=True)
class Job:
    """What is to be deployed."""

    server: str
    """The API's URL."""
    nodes: Sequence[Mapping[str, object]]
    """As in `kube-proxy:nodes`."""
    private_key: Path
    """The SSH key that logs in to the nodes."""
    sync_period: str = "30s"
    """The field that the step `changed` changes."""


class Contender:
    """A way to deploy. The directory `work` is its own."""

    steps: Sequence[str] = ("first", "unchanged", "changed")
    directory: Path = _WORK
    has_state = False
    """Whether it keeps a state of Pulumi."""

    def __init__(self, title: str) -> None:
        self.title = title

    def prepare(self) -> None:
        """Make what it needs once; this is not measured."""
        shutil.rmtree(_WORK, ignore_errors=True)
        _WORK.mkdir()

    def configure(self, job: Job) -> None:
        """Write down what is to be deployed; this is not measured."""

    def command(self, step: str) -> Sequence[str | Path]:
        """Return the command that does a step."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return its environment."""
        theirs = ("PULUMI", "ANSIBLE", "SSH_AUTH_SOCK")
        return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


class Guide(Contender):
    """A way to do what the guide's playbook does, with the guide's files."""

    def __init__(self, title: str, *command: str | Path, variables: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self._command, self._variables = command, variables or {}

    def command(self, _: str) -> Sequence[str | Path]:
        """Return the command, always the same."""
        return self._command

    def configure(self, job: Job) -> None:
        """Write the guide's files and two inventories."""
        shutil.copytree(_GUIDE, _WORK, dirs_exist_ok=True)
        (_WORK / "kube-proxy.kubeconfig").write_text(_kubeconfig(job.server))
        known_hosts = _WORK / "known_hosts"
        known_hosts.write_text("".join(f"{node['address']} {node['hostKey']}\n" for node in job.nodes))
        fleet = {"CLUSTER_CIDR": _CLUSTER_CIDR, "K8S_DIR": "/opt/k8s", "SYNC_PERIOD": job.sync_period}
        hosts = {node["name"]: {"ansible_host": node["address"]} for node in job.nodes}
        login = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(job.private_key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known_hosts}",
        }
        inventory = {"k8s-workers": {"hosts": hosts, "vars": login | fleet}}
        (_WORK / "inventory.yaml").write_text(yaml.safe_dump(inventory))
        nodes = [
            {
                "address": node["address"],
                "ssh_user": "root",
                "ssh_key": str(job.private_key),
                "ssh_known_hosts_file": str(known_hosts),
                "ssh_strict_host_key_checking": "yes",
                "variables": fleet
                | {"inventory_hostname": node["name"], "ansible_eth0": {"ipv4": {"address": node["address"]}}},
            }
            for node in job.nodes
        ]
        (_WORK / "nodes.json").write_text(json.dumps(nodes))

    def environment(self) -> dict[str, str]:
        """Return its environment: our Python modules for the floor, Ansible's files in memory of this world."""
        own = {"PYTHONPATH": str(PROJECT), "ANSIBLE_HOME": "/run/ansible", "ANSIBLE_INVENTORY": "inventory.yaml"}
        return super().environment() | own | dict(self._variables)


class Program(Contender):
    """This project's program: `pulumi up` of a stack."""

    directory = PROJECT
    has_state = True

    def __init__(self, title: str, rollout: Mapping[str, object], variables: Mapping[str, str] | None = None) -> None:
        super().__init__(title)
        self._rollout, self._variables = rollout, variables or {}

    def prepare(self) -> None:
        """Create the stack, in a new backend."""
        super().prepare()
        for old in (LAB.backend, LAB.pulumi_home / "logs"):
            shutil.rmtree(old, ignore_errors=True)
        LAB.backend.mkdir()
        self._write_program()
        init = ["env", *(f"{name}={value}" for name, value in self.environment().items())]
        commands.run([*init, "pulumi", "stack", "init", stack.NAME, "--non-interactive"], directory=self.directory)

    def _write_program(self) -> None:
        """Do nothing: it is there."""

    def configure(self, job: Job) -> None:
        """Write the stack's configuration, outside of the project."""
        salt = yaml.safe_load((PROJECT / f"Pulumi.{stack.NAME}.yaml").read_text())["encryptionsalt"]
        unset = {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"}
        values = {
            "cluster": {"server": job.server, "version": KUBERNETES.version, "clusterCIDR": _CLUSTER_CIDR},
            "certificateAuthority": {
                "certificateFile": str(LAB.cert / "ca.pem"),
                "privateKeyFile": str(LAB.cert / "ca-key.pem"),
            },
            "ssh": {"privateKeyFile": str(job.private_key)},
            # In the configuration itself, 1,000 nodes would be too much (docs/operations.md).
            "nodesFile": str(_NODES_FILE),
            "binary": {"version": KUBERNETES.version, "source": "preinstalled"},
            "configuration": {"mode": "nftables", "nftables": {"syncPeriod": job.sync_period}, "conntrack": unset},
            "rollout": dict(self._rollout),
        }
        _NODES_FILE.write_text(yaml.safe_dump(list(job.nodes)))
        config = {f"kube-proxy:{key}": value for key, value in values.items()}
        self._stack_file.write_text(yaml.safe_dump({"config": config, "encryptionsalt": salt}))

    def command(self, step: str) -> Sequence[str | Path]:
        """Return `pulumi preview`, or `pulumi up` without a preview."""
        verb = ["preview"] if step == "preview" else ["up", "--skip-preview", "--yes"]
        return [
            "pulumi",
            *verb,
            f"--stack={stack.NAME}",
            f"--config-file={self._stack_file}",
            "--non-interactive",
            "--color=never",
        ]

    def environment(self) -> dict[str, str]:
        """Return its environment."""
        return super().environment() | environment.variables(LAB) | dict(self._variables)

    @property
    def _stack_file(self) -> Path:
        return _WORK / f"Pulumi.{stack.NAME}.yaml"


class Empty(Program):
    """A Pulumi program without resources: what Pulumi itself costs."""

    steps = ("first", "unchanged")
    directory = _WORK

    def _write_program(self) -> None:
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        (_WORK / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "kube-proxy", "runtime": runtime}))
        (_WORK / "__main__.py").write_text("")

    def configure(self, job: Job) -> None:
        """Do nothing: it has no configuration."""


def _kubeconfig(server: str) -> str:
    """Return what the guide's `kubectl config` commands write. Its certificate is made once."""
    authority, certificate, key = (LAB.cert / name for name in ("ca.pem", "kube-proxy.pem", "kube-proxy-key.pem"))
    if not certificate.exists():
        signer: list[str | Path] = ["-x509", "-CA", authority, "-CAkey", LAB.cert / "ca-key.pem", "-days", "3650"]
        new: list[str | Path] = [
            "-newkey",
            "rsa:2048",
            "-noenc",
            "-subj",
            "/O=k8s/CN=system:kube-proxy",
            "-keyout",
            key,
        ]
        commands.run(["openssl", "req", *signer, *new, "-out", certificate])
    pems = {"CA": authority, "CERTIFICATE": certificate, "KEY": key}
    encoded = {name: base64.b64encode(path.read_bytes()).decode() for name, path in pems.items()}
    return floor.render((_GUIDE / "kube-proxy.kubeconfig").read_text(), {"SERVER": server} | encoded)


_TUNED = {"PULUMI_PARALLEL": "64", "PULUMI_SKIP_CHECKPOINTS": "true"}
_MACHINERY = {"canary": 0, "maxUnavailable": "100%", "minReadySeconds": 0}
_PLAYBOOK = f"""\
{VENV}/bin/ansible-playbook kube-proxy.service.yaml &&
{VENV}/bin/ansible k8s-workers -m shell -a "systemctl status kube-proxy.service|grep -e Loaded -e Active"
"""

CONTENDERS: Mapping[str, Contender] = {
    "floor": Guide("floor: one connection, one script a node", sys.executable, "-m", "development.bench.floor"),
    "pyinfra": Guide("pyinfra", VENV / "bin/pyinfra", "-y", "inventory.py", "deploy.py"),
    "machinery-tuned": Program("this program, no waiting, 64 at a time, no checkpoints", _MACHINERY, _TUNED),
    "machinery": Program("this program, no waiting, Pulumi's defaults", _MACHINERY),
    "defaults": Program("this program, all defaults", {}),
    "ansible-tuned": Guide("Ansible, tuned", "sh", "-c", _PLAYBOOK, variables={"ANSIBLE_CONFIG": "tuned.cfg"}),
    "ansible": Guide("Ansible, defaults", "sh", "-c", _PLAYBOOK, variables={"ANSIBLE_CONFIG": "default.cfg"}),
    "empty": Empty("an empty Pulumi program", {}),
}
"""By name, the fastest first."""
