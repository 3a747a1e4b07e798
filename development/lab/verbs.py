"""The verbs behind `make` and `python -m development.lab`."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from rich.table import Table

from development import debian_packages, toolchain
from development.errors import LabError
from development.lab import (
    control_plane,
    disk,
    loopback,
    network,
    node_image,
    processes,
    report,
    ssh,
    stack,
    topology,
    user_mode_linux,
    user_mode_node,
)
from development.lab.container import Container
from development.lab.control_plane import programs
from development.lab.node import Node
from development.lab.topology import Worker
from development.lab.user_mode_node import UserModeNode
from development.locks import exclusive
from development.paths import Lab
from development.progress import Steps
from development.pulumi_stand_ins import installation
from development.toolchain import GoTools, build

_FORMAT = "4\n"
"""Another number where a lab of the version before can't go on: its disks, snapshots or certificates don't fit."""


def nodes(lab: Lab) -> list[Node]:
    """Return the lab's worker nodes."""
    return [_kind(lab, worker)(lab, worker) for worker in topology.WORKERS]


def _kind(lab: Lab, worker: Worker) -> type[Node]:
    """Return what a node is already, else what is fastest of what is prepared."""
    if lab.containers.exists():
        return Container
    directory = lab.node(worker.name)
    if (directory / user_mode_node.DISK).exists():
        return UserModeNode
    is_new = not (directory / disk.FILE).exists()
    return UserModeNode if is_new and user_mode_linux.helps() and user_mode_linux.kernel().directory.exists() else Node


def packages(lab: Lab, steps: Steps, wanted: tuple[str, ...] = debian_packages.PACKAGES) -> None:
    """Install the Debian packages that the lab and the checks need."""
    with steps.step("Debian packages") as step:
        debian_packages.install(step, lab.log / "apt-get.log", wanted)


def prepare(lab: Lab, steps: Steps) -> None:
    """Make what the lab and its tests need, with a kube-proxy of each supported minor; start nothing."""
    kernel = user_mode_linux.PACKAGES if user_mode_linux.helps() else ()
    packages(lab, steps, (*debian_packages.PACKAGES, *debian_packages.CONTAINERS, *kernel))
    tools = (*toolchain.needed(), *toolchain.KUBE_PROXIES)
    suites = tuple(dict.fromkeys((node_image.SUITE, *node_image.others())))
    _in_parallel([lambda: _make(lab, steps, tools, suites), lambda: _kernel(lab, steps)])


def _make(lab: Lab, steps: Steps, tools: tuple[GoTools, ...], suites: tuple[str, ...]) -> None:
    """Make what is missing of tools and the nodes' images."""
    _in_parallel([lambda: _tools(lab, steps, tools), lambda: images(lab, steps, suites)])
    toolchain.link(lab)
    if toolchain.user_pulumi():
        installation.uninstall(lab.pulumi_home)
    else:
        installation.install(lab.pulumi_home, lab.project / ".venv", toolchain.PULUMI.version)


def _kernel(lab: Lab, steps: Steps) -> None:
    if user_mode_linux.helps():
        with steps.step("node kernel: user-mode Linux") as step:
            user_mode_linux.make(step, lab.log / "user-mode-linux.log")


def start(lab: Lab, steps: Steps) -> None:
    """Bring the lab up: packages, tools, network, nodes and control plane. What runs already stays as it is."""
    _check_format(lab)
    packages(lab, steps)
    _make(lab, steps, toolchain.needed(), (node_image.SUITE,))
    ssh.prepare(lab)
    if not network.is_running(lab):
        _leave_network(lab)
    network.start(lab)
    _in_parallel([lambda: _control_plane(lab, steps), *(_starter(node, steps) for node in nodes(lab))])


def _check_format(lab: Lab) -> None:
    """Refuse a lab that an earlier version of the project made, and mark a new one as this version's."""
    file = lab.state / "format"
    if lab.cert.exists() and not (file.exists() and file.read_text() == _FORMAT):
        raise LabError("an earlier version of the project made this lab: remove it by `make clean`")
    file.write_text(_FORMAT)


def _leave_network(lab: Lab) -> None:
    """Stop what still runs in a network whose holder has died: nothing else can enter it."""
    for node in nodes(lab):
        node.suspend()
    control_plane.stop(lab)
    network.stop(lab)


def up(lab: Lab, steps: Steps) -> None:
    """Bring the lab up, deploy kube-proxy to its nodes by `pulumi up`, and print the nodes' reports."""
    start(lab, steps)
    with steps.step("pulumi up") as step:
        step.summary = stack.up(lab, step)
    steps.console.print(deployment(lab))


def down(lab: Lab, steps: Steps) -> None:
    """Stop everything; `up` goes on from there. Nodes keep their files, and virtual machines their memory."""
    suspended = [_suspender(node, steps) for node in nodes(lab)]
    _in_parallel([lambda: _stop_control_plane(lab, steps), *suspended])
    network.stop(lab)


def clean(lab: Lab, steps: Steps) -> None:
    """Stop everything and remove the lab, its nodes and the dev stack's state; keep the cache of tools and image."""
    with steps.step("remove the lab"):
        for node in nodes(lab):
            node.kill()
        control_plane.stop(lab)
        network.stop(lab)
        shutil.rmtree(lab.state)


def status(lab: Lab) -> Table:
    """Return a table of the lab's programs."""
    shown = Table("program", "state", "process", "address", title=f"logs: {lab.log}")
    own = loopback.choose(lab)
    endpoints = {
        network.NETWORK: str(topology.NETWORK),
        network.PORT_FORWARDER: f"{own.prefix}.0/24",
        programs.ETCD: "-",
        **{name: f"{own.of(server)}:{topology.API_SERVER_PORT}" for name, server in programs.API_SERVERS.items()},
        programs.LOAD_BALANCER: f"{own.of(topology.LOAD_BALANCER)}:{topology.LOAD_BALANCER_PORT}",
        programs.CONTROLLER_MANAGER: "-",
        **{worker.name: f"{own.of(worker.address)}:{loopback.SSH_PORT} (SSH)" for worker in topology.WORKERS},
    }
    for name, endpoint in endpoints.items():
        process = processes.find(lab, name)
        shown.add_row(name, "runs" if process else "stopped", str(process.pid) if process else "-", endpoint)
    return shown


def deployment(lab: Lab) -> Table:
    """Return the table of the nodes' reports. Raises LabError if the dev stack isn't deployed."""
    deployed = stack.outputs(lab).get("nodes")
    if not isinstance(deployed, Mapping):
        raise LabError("the stack must have the output `nodes`: deploy it by `make up`")
    return report.table(deployed)


def _in_parallel(actions: list[Callable[[], None]]) -> None:
    """Run actions in parallel; when all have ended, raise the first failure."""
    with ThreadPoolExecutor(len(actions)) as pool:
        for future in [pool.submit(action) for action in actions]:
            future.result()


def _tools(lab: Lab, steps: Steps, wanted: tuple[GoTools, ...]) -> None:
    for tools in wanted:
        with steps.step(f"{tools.name} {tools.version}: {', '.join(tools.programs)}") as step:
            build.build(tools, step, lab.log / f"{tools.name}-{tools.version}-build.log")


def images(lab: Lab, steps: Steps, suites: tuple[str, ...]) -> None:
    """Make the missing images of these Debian suites."""
    for suite in suites:
        with steps.step(f"node image: {suite}") as step:
            node_image.make(suite, step, lab.log / f"node-image-{suite}.log")


def _control_plane(lab: Lab, steps: Steps) -> None:
    with steps.step("control plane: etcd, 3 API servers, load balancer, controller manager"):
        control_plane.start(lab, loopback.choose(lab))


def _stop_control_plane(lab: Lab, steps: Steps) -> None:
    with steps.step("control plane stopped"):
        control_plane.stop(lab)


def _starter(node: Node, steps: Steps) -> Callable[[], None]:
    def action() -> None:
        with steps.step(f"node {node.name}"):
            node.start()

    return action


def _suspender(node: Node, steps: Steps) -> Callable[[], None]:
    def action() -> None:
        with steps.step(f"node {node.name} stopped"):
            node.suspend()

    return action


def locked(lab: Lab, steps: Steps, action: Callable[[Lab, Steps], None]) -> None:
    """Run a verb that changes the lab while no other does."""
    lab.create()
    with exclusive(lab.state / "lock", lambda: steps.console.print("waiting for another command on this lab")):
        action(lab, steps)
