"""A node's stages run by /bin/sh against a temporary root, with its programs replaced by tests/scripts/node/*."""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from components import generation
from components.remote_script import payload
from components.stages import REMOVE, STAGES

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
"""iptables-save of a node on which kube-proxy 1.36.2 ran in mode ipvs, then iptables, with chains of others between:
FOREIGN, KUBE-ROUTER-TEST, the kubelet's KUBE-KUBELET-CANARY."""
FOREIGN_SERVERS = """\
TCP  0A630001:0050 rr
  -> C0A86379:192B      Masq    1      0          0
FWM  00000007 wlc
"""


@dataclass
class FakeNode:
    """A temporary root, what a stack says of the node, and its stages."""

    root: Path
    parameters: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def run(self, stage: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Unpacks a stage's payload as the loader does, and runs it."""
        where = self.root / "run" / stage
        where.mkdir(parents=True, exist_ok=True)
        parameters = self.parameters | {"GENERATION": generation.digest(self.files)}
        stages = [each for each in (*STAGES, REMOVE) if each.name == stage]
        text = payload(stages, parameters, self.files if stage == "stage" else {})
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
            archive.extractall(where, filter="data")
        return subprocess.run(
            ["/bin/sh", f"./{stage}.sh"],
            cwd=where,
            env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "root": str(self.root), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )

    def script(self, path: Path, **environment: str) -> None:
        """Runs a script that lies on the node."""
        variables = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "root": str(self.root), **environment}
        subprocess.run(["/bin/sh", path], env=variables, timeout=60, check=True)

    def copy(self, to: Path) -> "FakeNode":
        """A node that is the same in everything, at another root."""
        shutil.copytree(self.root, to, symlinks=True)
        return replace(self, root=to)

    def deploy(self) -> subprocess.CompletedProcess[str]:
        """Stages and activates, as a run of ``pulumi up`` does."""
        staged = self.run("stage")
        assert staged.returncode == 0, staged.stderr
        return self.run("activate")

    def calls(self) -> list[str]:
        """What systemctl was asked to change since the last look."""
        log = self.path("/unit/calls")
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return calls

    def live(self) -> dict[str, tuple[str, int]]:
        """Every file outside the deployment's own bookkeeping, with its mode."""
        kept = ("etc", "usr")
        return {
            str(path.relative_to(self.root)): (path.read_text(), path.stat().st_mode & 0o777)
            for top in kept
            for path in sorted((self.root / top).rglob("*"))
            if path.is_file()
        }
