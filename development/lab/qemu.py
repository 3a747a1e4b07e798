"""The command line of a node's virtual machine. File names are relative to the node's directory."""

import os
from pathlib import Path

from development.lab import disk, topology
from development.lab.node_image import NodeImage
from development.lab.topology import Worker

CONSOLE = "console.log"
MONITOR = "monitor.sock"
FILES = "first-boot.tar"
CPUS = 1
"""With one, emulation needs no atomic instructions and the kernel no locks, and two nodes have a core each."""

EMULATED = "Westmere"
"""Emulation is faster without the features of newer processors: SMAP alone slows each system call down."""

MEMORY_MIB = 1024

_FASTER = (
    # Linux doesn't trust an emulated processor's clock, though it is reliable, and would read a much slower one.
    "tsc=reliable "
    # QEMU translates code again at each new address: programs with fixed addresses start three times faster.
    "norandmaps "
    # README.md has what this saves.
    "nokaslr mitigations=off"
)


def has_kvm() -> bool:
    """Tell whether this machine runs virtual machines itself, without emulation.

    The device alone proves nothing: it can exist on a processor without VMX and SVM, as virtual ones often are.
    """
    flags = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")), "")
    return bool({"vmx", "svm"} & set(flags.split())) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def network(worker: Worker) -> list[str | Path]:
    """Return QEMU's options for a node's network: its tap device on the lab's bridge (development/lab/network.py)."""
    tap = f"tap,id=network,ifname={worker.name},script=no,downscript=no"
    return ["-netdev", tap, "-device", f"virtio-net-pci,netdev=network,mac={topology.mac(worker.address)}"]


def command(worker: Worker, image: NodeImage, snapshot: str | None) -> list[str | Path]:
    """Return the command that runs the node, from its disk or from a snapshot with its memory."""
    accelerated_by = "kvm" if has_kvm() else "tcg,thread=multi"
    kernel = f"root=/dev/vda rw console=ttyS0 systemd.hostname={worker.name} {_FASTER}"
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
        *network(worker),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"file,id=console,path={CONSOLE},append=on", "-serial", "chardev:console"),
        *("-qmp", f"unix:{MONITOR},server=on,wait=off"),
        *("-fw_cfg", f"name=opt/lab/{FILES},file={FILES}"),
    ]
    return machine + (["-loadvm", snapshot] if snapshot else [])
