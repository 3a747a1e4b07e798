"""What `python -m commands.adopt` reads from kube-proxies of each version, with the file or the flags of known layouts."""

import shutil
from pathlib import Path

import pytest
import yaml

from commands.adopt import stack
from commands.adopt.running import read_running
from tests.adopt.layouts import ADDRESS, LAYOUTS, NAME, Layout
from tests.adopt.machine import PID, Machine
from tests.kube_proxy.program import VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_kube_proxy_says_what_a_layout_means(tmp_path: Path, layout: Layout, version: str) -> None:
    program = shutil.which(f"kube-proxy-{version}")
    assert program, f'kube-proxy-{version} must be on PATH: make prepare, then eval "$(make -s env)"'
    machine = Machine(tmp_path / "node", layout, "")
    machine.end()
    arguments = layout.arguments.replace("--config=/", "--config=")  # kube-proxy works in the fake node's root
    machine.process(PID, "kube-proxy", f"/system.slice/{machine.unit}", layout.binary, arguments.split())
    exe = machine.root / "proc" / str(PID) / "exe"
    exe.unlink()
    exe.symlink_to(program)
    machine.write("sockets", "")
    machine.write("configuration", "the stand-in's, which doesn't run")

    node = read_running(machine.ask())
    values = stack.compose([node], "prod-ca.pem", "~/.ssh/id_ed25519")

    assert yaml.safe_load(node.asked.answers["configuration"]) == layout.configuration
    assert values["configuration"] == layout.expected
    assert (node.name, node.address, node.version) == (NAME, ADDRESS, version)
    assert node.cluster["clusterCIDR"] == layout.configuration["clusterCIDR"]
    assert node.verbosity == layout.configuration["logging"]["verbosity"]
