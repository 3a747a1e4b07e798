"""The lab's files: all are in the project's `.lab/`, except a cache that all checkouts share."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lab:
    """The lab of one checkout. Labs of different checkouts can run side by side."""

    project: Path

    @property
    def state(self) -> Path:
        """Return the lab's own directory."""
        return self.project / ".lab"

    @property
    def bin(self) -> Path:
        """Return the directory with links to the tools; `make env` puts it on PATH."""
        return self.state / "bin"

    @property
    def log(self) -> Path:
        """Return the directory of logs, one file per program."""
        return self.state / "log"

    @property
    def run(self) -> Path:
        """Return the directory of process records, see `processes`."""
        return self.state / "run"

    @property
    def cert(self) -> Path:
        """Return the directory of the cluster's certificates and keys, named as cfssl names them."""
        return self.state / "cert"

    @property
    def ssh(self) -> Path:
        """Return the directory of the client's key pair and known_hosts."""
        return self.state / "ssh"

    @property
    def ssh_config(self) -> Path:
        """Return the OpenSSH client configuration with an alias for each node."""
        return self.state / "ssh_config"

    @property
    def admin_kubeconfig(self) -> Path:
        """Return the cluster administrator's kubeconfig, for use on this machine."""
        return self.state / "admin.kubeconfig"

    @property
    def nodes_file(self) -> Path:
        """Return the list of workers that the dev stack reads as `kube-proxy:nodesFile`."""
        return self.state / "nodes.yaml"

    @property
    def backend(self) -> Path:
        """Return the directory of Pulumi's state."""
        return self.state / "state"

    @property
    def pulumi_home(self) -> Path:
        """Return Pulumi's home directory, with its plugins."""
        return self.state / "pulumi"

    def node(self, name: str) -> Path:
        """Return the directory of one node: disk, console log, host key."""
        return self.state / "nodes" / name

    @property
    def containers(self) -> Path:
        """Return the file whose existence makes the nodes containers. Only tests make it."""
        return self.state / "containers"

    def create(self) -> None:
        """Create the lab's directories, readable by their owner only: they hold private keys."""
        for directory in (self.state, self.bin, self.log, self.run, self.ssh, self.backend):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def cache_directory() -> Path:
    """Return the directory that all checkouts share: compiled tools and the nodes' disk image.

    Source of its path: XDG Base Directory Specification.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "kube-proxy-lab"
