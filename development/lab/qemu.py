"""The command line of a node's virtual machine. All file names are relative to the node's directory."""

import os
from pathlib import Path

from development.lab import disk, topology
from development.lab.loopback import SSH_PORT, Loopback
from development.lab.node_image import NodeImage
from development.lab.topology import Worker

CONSOLE = "console.log"
MONITOR = "monitor.sock"
CREDENTIALS = "tmpfiles.extra"

CPUS = 2
EMULATED = "Westmere"
"""Emulation is faster without what newer processors have: of SMAP and the like each system call pays the price."""

MEMORY_MIB = 1024


def accelerator() -> str:
    """Return KVM where it works, software emulation elsewhere.

    The device alone proves nothing: it may be there on a processor without VMX and SVM, as virtual ones often are.
    """
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    works = {"vmx", "svm"} & set(flags.split()) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "kvm" if works else "tcg,thread=multi"


def network(worker: Worker, loopback: Loopback) -> str:
    """Return QEMU's user network for a node.

    It needs no privilege and no address of this machine's: the node alone is in it, its SSH port is forwarded from
    loopback, and the control plane's addresses lead to their loopback twins. Nothing else leaves it: without its rules
    a request to a Service would go to whoever has that address in this machine's network. `cmd:` starts a socat for
    each connection (the form `-tcp:` serves one connection only).
    """
    servers = [(server, topology.API_SERVER_PORT) for server in topology.API_SERVERS]
    forwards = [
        f"guestfwd=tcp:{address}:{port}-cmd:socat STDIO TCP:{loopback.of(address)}:{port}"
        for address, port in [(topology.LOAD_BALANCER, topology.LOAD_BALANCER_PORT), *servers]
    ]
    options = [
        "user",
        "id=network",
        "restrict=on",
        "ipv6=off",
        f"net={topology.NETWORK}",
        f"host={topology.GATEWAY}",
        f"dhcpstart={worker.address}",
        f"hostfwd=tcp:{loopback.of(worker.address)}:{SSH_PORT}-:22",
        *forwards,
    ]
    return ",".join(options)


def command(worker: Worker, image: NodeImage, loopback: Loopback, snapshot: str | None) -> list[str | Path]:
    """Return the command which runs the node, from its disk or from a snapshot with its memory."""
    accelerated_by = accelerator()
    # An emulated processor's clock is reliable, which Linux doesn't believe: it would read another, much dearer one.
    # Code is translated anew wherever it comes to lie: programs with fixed addresses start three times faster.
    speed = "tsc=reliable mitigations=off norandmaps"
    kernel = f"root=/dev/vda rw console=ttyS0 systemd.hostname={worker.name} {speed}"
    machine: list[str | Path] = [
        "qemu-system-x86_64",
        *("-name", worker.name),
        *("-machine", "q35"),
        *("-accel", accelerated_by),
        *("-cpu", "max" if accelerated_by == "kvm" else EMULATED),
        *("-smp", str(CPUS)),
        *("-m", str(MEMORY_MIB)),
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *("-kernel", image.kernel, "-initrd", image.initrd, "-append", kernel),
        *("-drive", f"file={disk.FILE},if=virtio,format=qcow2"),
        *("-netdev", network(worker, loopback), "-device", "virtio-net-pci,netdev=network"),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"file,id=console,path={CONSOLE},append=on", "-serial", "chardev:console"),
        *("-qmp", f"unix:{MONITOR},server=on,wait=off"),
        *("-fw_cfg", f"name=opt/io.systemd.credentials/{CREDENTIALS},file={CREDENTIALS}"),
    ]
    return machine + (["-loadvm", snapshot] if snapshot else [])
