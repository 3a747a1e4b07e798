"""A fake node: a temporary root with a layout in it. question.sh runs against it, or a real sshd does that."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import yaml

from commands.adopt import question
from commands.adopt.question import Asked
from commands.adopt.sources import Host
from tests.adopt.layouts import ADDRESS, Layout

PROGRAMS = Path(__file__).parent / "node"
PID = 4711
KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN"

KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    {authority}
    server: {server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kube-proxy
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: kube-proxy
  user:
    client-certificate-data: Y2VydGlmaWNhdGU=
    client-key-data: {key}
"""


class Machine:
    """A node with a kube-proxy that runs as a layout says."""

    def __init__(self, root: Path, layout: Layout, authority: str) -> None:
        self.root, self.layout = root, layout
        for directory in ("unit", "http", "proc", "usr/local/bin"):
            (root / directory).mkdir(parents=True)
        self.unit = Path(layout.unit).name
        self.write(layout.binary, (PROGRAMS / "kube-proxy").read_text()).chmod(0o755)
        self.write("version", "Kubernetes v1.36.2\n")
        self.write("configuration", yaml.safe_dump(layout.configuration))
        self.write("sockets", f"LISTEN 0 9 {layout.metrics} 0.0.0.0:* users:((kube-proxy,pid={PID},fd=9))\n")
        self.serve(f"http://{layout.metrics.replace('*', '127.0.0.1')}/configz", self.configz(layout.configuration))
        self.serve(f"{layout.server}/version", json.dumps({"gitVersion": "v1.36.3"}))
        if layout.file:
            self.write(layout.arguments.split("--config=")[1].split()[0], layout.file)
        embedded = f"certificate-authority-data: {b64encode(authority.encode()).decode()}"
        where = f"certificate-authority: {layout.authority}" if layout.authority else embedded
        if layout.authority:
            self.write(layout.authority, f"{authority}{KEY}")
        key = b64encode(KEY.encode()).decode()
        self.write(layout.kubeconfig, KUBECONFIG.format(authority=where, server=layout.server, key=key))
        self.process(PID, "kube-proxy", f"/system.slice/{self.unit}", layout.binary, layout.arguments.split())
        self.write(f"unit/{self.unit}.pid", str(PID))
        self.set_unit()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def serve(self, url: str, text: str) -> None:
        """Answer a URL on the node."""
        self.write(f"http/{url.replace('/', '_').replace(':', '_')}", text)

    def configz(self, configuration: object) -> str:
        return json.dumps({"kubeproxy.config.k8s.io": configuration}, separators=(",", ":"))

    def process(self, pid: int, command: str, group: str, binary: str, arguments: list[str]) -> None:
        directory = self.root / "proc" / str(pid)
        directory.mkdir(exist_ok=True)
        for name, text in {
            "comm": f"{command}\n",
            "cgroup": f"0::{group}\n",
            "cmdline": "".join(f"{word}\0" for word in (binary, *arguments)),
            "status": "Name:\tkube-proxy\nUid:\t0\t0\t0\t0\n",
            "environ": "PATH=/bin\0INVOCATION_ID=1\0",
        }.items():
            (directory / name).write_text(text)
        (directory / "exe").symlink_to(self.root / binary.lstrip("/"))
        (directory / "cwd").symlink_to(self.root)

    def end(self, pid: int = PID) -> None:
        """End a process."""
        shutil.rmtree(self.root / "proc" / str(pid))

    def set_unit(self, **properties: str) -> None:
        layout = self.layout
        known = {"Id": self.unit, "FragmentPath": layout.unit, "DropInPaths": "", "WorkingDirectory": layout.directory}
        lines = [f"{name}={value}\n" for name, value in {**known, **properties}.items()]
        self.write(f"unit/{self.unit}", "".join(lines))

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which question.sh asks this node."""
        return {"root": str(self.root), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}

    def output(self) -> str:
        """What the node prints."""
        connection = f"192.168.99.1 40000 {ADDRESS} 22"
        done = subprocess.run(
            ["/bin/sh", "-s", "MARK"],
            input=Path(question.__file__).with_name("question.sh").read_text(),
            env={**self.environment, "SSH_CONNECTION": connection},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def ask(self, host: Host | None = None) -> Asked:
        """Ask the node without SSH."""
        answers = question.answers(self.output(), "MARK")
        return Asked(host or Host("node1", ADDRESS), "root", 22, HOST_KEY, True, answers)


def everything_in(directory: Path) -> dict[str, tuple[int, bytes]]:
    """The files below a directory with time and content, to see that nothing has changed."""
    return {
        str(path.relative_to(directory)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
