"""A fake node: /bin/sh runs the stages against a temporary root, with stand-ins (tests/scripts/node/) for its programs."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from components.delivery import Delivery

STATE = "/var/lib/kube-proxy-generations"
RESTART = "restart kube-proxy.service"

PROGRAMS = Path(__file__).parent / "node"
BINARY = (PROGRAMS / "kube-proxy").read_bytes()
BINARY_SHA256 = hashlib.sha256(BINARY).hexdigest()

CONFIGURATION = """\
mode: ipvs
healthzBindAddress: 192.168.99.101:10256
metricsBindAddress: 192.168.99.101:10249
"""
SERVICES = """\
apiVersion: v1
items:
- apiVersion: v1
  kind: Service
  metadata:
    name: kubernetes
    namespace: default
  spec:
    clusterIP: 10.0.0.1
    ports:
    - name: https
      port: 443
      protocol: TCP
kind: List
"""
ENDPOINT_SLICES = """\
apiVersion: v1
items:
- addressType: IPv4
  endpoints:
  - addresses:
    - 192.168.99.121
    conditions:
      ready: true
  - addresses:
    - 192.168.99.122
    conditions:
      ready: true
  kind: EndpointSlice
  ports:
  - name: https
    port: 6443
    protocol: TCP
kind: List
"""
IP_VS = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A000001:01BB rr
  -> C0A8637A:192B      Masq    1      0          0
  -> C0A86379:192B      Masq    1      0          0
"""
RECORDED = (Path(__file__).parent / "recorded" / "iptables-after-ipvs.txt").read_text()
"""iptables-save of a node on which kube-proxy 1.36.2 ran first in mode ipvs, then in mode iptables, with chains of other
programs: FOREIGN, KUBE-ROUTER-TEST and the kubelet's KUBE-KUBELET-CANARY."""
FOREIGN_VIRTUAL_SERVERS = """\
TCP  0A630001:0050 rr
  -> C0A86379:192B      Masq    1      0          0
FWM  00000007 wlc
"""


@dataclass
class FakeNode:
    """A temporary root, the stack's parameters and files for the node, and its stages."""

    root: Path
    parameters: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def run(self, stage: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Unpacks a delivery and runs a stage in it, as scripts/run.sh does."""
        where = self.root / "run" / stage
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        archive = gzip.decompress(Delivery(self.parameters, self.files).archive())
        with tarfile.open(fileobj=io.BytesIO(archive)) as delivered:
            delivered.extractall(where, filter="data")
        return subprocess.run(
            ["/bin/sh", f"./{stage}.sh"],
            cwd=where,
            env=self._environment() | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )

    def succeed(self, stage: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a stage, which must succeed."""
        done = self.run(stage, **environment)
        assert done.returncode == 0, done.stderr
        return done

    def fail(self, stage: str, **environment: str) -> str:
        """Runs a stage, which must fail, and returns its messages."""
        done = self.run(stage, **environment)
        assert done.returncode == 1, f"{done.returncode}: {done.stderr}"
        return done.stderr

    def deploy(self) -> subprocess.CompletedProcess[str]:
        """Stages and activates as `pulumi up` does; both must succeed."""
        self.succeed("stage")
        return self.succeed("activate")

    def fail_to_deploy(self) -> str:
        """Stages and activates; the activation must fail. Returns its messages."""
        self.succeed("stage")
        return self.fail("activate")

    def problems(self) -> list[str]:
        """Runs preflight, which must fail, and returns its messages without the names of the node and the stage."""
        return _messages(self.fail("preflight"))

    def preflight_messages(self) -> list[str]:
        """Runs preflight, which must succeed, and returns its messages without the names of the node and the stage."""
        return _messages(self.succeed("preflight").stderr)

    def run_installed(self, path: Path, *arguments: str) -> None:
        """Runs a script that a stage has installed on the node."""
        subprocess.run(["/bin/sh", path, *arguments], env=self._environment(), timeout=60, check=True)

    def install_binary(self, version: str = "1.36.2") -> None:
        """Installs a kube-proxy as the operator would (binary.source: preinstalled)."""
        path = f"{self.parameters['BINARY_DIRECTORY']}/kube-proxy"
        self.write(path, BINARY.decode().replace("1.36.2", version))
        self.path(path).chmod(0o755)

    def replace_program(self, name: str, script: str) -> str:
        """Puts a shell script in place of a program and returns the PATH that finds it."""
        directory = self.path("/programs")
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)
        return f"{directory}:{PROGRAMS}:/usr/bin:/bin:/usr/sbin:/sbin"

    def copy(self, to: Path) -> "FakeNode":
        """Returns a copy of the node with another root."""
        shutil.copytree(self.root, to, symlinks=True)
        return replace(self, root=to)

    def systemctl_calls(self) -> list[str]:
        """Returns the calls of systemctl that change something, since this method was called last."""
        log = self.path("/unit/calls")
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return calls

    def live_files(self) -> dict[str, tuple[str, int]]:
        """Returns the content and the mode of each file in /etc and /usr."""
        return {
            str(path.relative_to(self.root)): (path.read_text(), path.stat().st_mode & 0o777)
            for top in ("etc", "usr")
            for path in sorted((self.root / top).rglob("*"))
            if path.is_file()
        }

    def generations(self) -> list[Path]:
        """Returns the directories of the generations that the node keeps."""
        return [path for path in self.path(STATE).iterdir() if len(path.name) == 64]

    def _environment(self) -> dict[str, str]:
        return {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "root": str(self.root), "DELIVERY": f"{STATE}/deliveries/0"}


def _messages(text: str) -> list[str]:
    return [line.removeprefix("k8s-node01: preflight: ") for line in text.splitlines()]
