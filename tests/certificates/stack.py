"""A stack that issues certificates only: real engine, settings and components, stand-ins for the plugins, no nodes."""

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from development.pulumi_stand_ins.tests.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]

_PROGRAM = """\
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: os._exit(130))
from pathlib import Path
sys.path.insert(0, {repository!r})
import pulumi
from components import CertificateAuthority, ClientCertificates, certificate_authority
from settings import load
settings = load({values!r}, Path({directory!r}))
authority = certificate_authority(settings.certificate_authority)
certificates = ClientCertificates(settings, authority)
pulumi.export("certificate", certificates.summary)
pulumi.export("pem", {{name: made.certificate_pem for name, made in certificates.by_node.items()}})
if isinstance(authority, CertificateAuthority):
    pulumi.export("caCertificate", authority.certificate_pem)
    pulumi.export("caPrivateKey", authority.private_key_pem)
pulumi.export("key", {{name: made.private_key_pem for name, made in certificates.by_node.items()}})
"""

_NODE = {
    "name": "k8s-node01",
    "address": "192.168.99.101",
    "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN",
}


def run(directory: Path, command: str, text: str = "") -> str:
    done = subprocess.run(command.split(), cwd=directory, input=text, capture_output=True, text=True, check=True)
    return done.stdout


@dataclass
class Stack:
    """A project and its configuration, which tests change. File names are relative to the project's directory."""

    project: Project
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = {
            "cluster": {"server": "https://192.168.99.100:8443", "version": "1.36.2"},
            "certificateAuthority": {"certificateFile": "ca.pem", "privateKeyFile": "ca.key"},
            "clientCertificate": {},
            "ssh": {"privateKeyFile": "id"},
            "nodes": [_NODE, _NODE | {"name": "k8s-node02", "address": "192.168.99.102"}],
            "binary": {"version": "1.36.2"},
            "configuration": {"detectLocalMode": "NodeCIDR"},
        }
        if not (self.directory / "id").exists():
            run(self.directory, "openssl genpkey -algorithm ed25519 -out id")

    @property
    def directory(self) -> Path:
        return self.project.directory

    def authority(
        self, name: str = "ca", days: int = 3650, algorithm: str = "ed25519", signed_by: str | None = None
    ) -> None:
        """Makes a CA, `name`.pem and `name`.key: a root, or an intermediate."""
        issuer = f" -CA {signed_by}.pem -CAkey {signed_by}.key" if signed_by else ""
        run(
            self.directory,
            f"openssl req -x509 -newkey {algorithm} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days {days} "
            f"-addext keyUsage=critical,keyCertSign,cRLSign{issuer}",
        )

    def pulumi(self, *arguments: str) -> str:
        """Runs the program with the current configuration; returns its output."""
        done = self._run(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def failing_pulumi(self, *arguments: str) -> str:
        """Runs the program, which must fail; returns its output."""
        done = self._run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        self.project.program(self._program())
        return self.project.pulumi(*arguments)

    def _program(self) -> str:
        return _PROGRAM.format(repository=str(REPOSITORY), values=self.values, directory=str(self.directory))

    def up(self, *arguments: str) -> str:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments)

    def outputs(self) -> dict[str, Any]:
        with self.project.start("stack", "output", "--show-secrets", "--json") as process:
            return dict(json.loads(process.communicate(timeout=60)[0]))

    def move_end(self, end: datetime) -> None:
        """Changes the certificate's end in the stack's state, which is where the tls plugin reads its age.

        For a certificate that the cluster signs, that is the end of its clock (components/cluster_signer.py).
        """
        path = self.directory / "state" / ".pulumi" / "stacks" / "project" / "dev.json"
        state = json.loads(path.read_text())
        for resource in state["checkpoint"]["latest"]["resources"]:
            if "validityEndTime" in resource.get("outputs", {}) and "certificate-authority" not in resource["urn"]:
                resource["outputs"]["validityEndTime"] = end.isoformat()
                start = end - timedelta(hours=resource["outputs"]["validityPeriodHours"])
                resource["outputs"]["validityStartTime"] = start.isoformat()
        path.write_text(json.dumps(state))


class WholeStack(Stack):
    """A stack of the project's `__main__.py`, configured by Pulumi.dev.yaml."""

    def _program(self) -> str:
        file = self.directory / "Pulumi.dev.yaml"
        stack = yaml.safe_load(file.read_text())
        stack["config"] = {f"kube-proxy:{key}": value for key, value in self.values.items()}
        file.write_text(yaml.safe_dump(stack))
        return f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n{(REPOSITORY / '__main__.py').read_text()}"
