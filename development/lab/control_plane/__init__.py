"""The control plane that the nodes see: etcd, three API servers and a load balancer, in the lab's network.

The controller manager only signs and cleans up certificate requests. There is no kubelet: kube-proxy needs none.
"""

import http.client
import signal
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from development.errors import LabError
from development.lab import certificates, network, processes, topology
from development.lab.control_plane import objects
from development.lab.control_plane.programs import (
    API_SERVERS,
    CONTROLLER_MANAGER,
    ETCD,
    LOAD_BALANCER,
    command_lines,
    controller_manager,
    controller_manager_kubeconfig,
    haproxy_configuration,
    haproxy_file,
)
from development.lab.loopback import Loopback
from development.paths import Lab

_READY_SECONDS = 180.0
_POLL_SECONDS = 0.1


def start(lab: Lab, loopback: Loopback, api_servers: Sequence[str] = tuple(API_SERVERS)) -> None:
    """Start what doesn't run, with these API servers; wait until the load balancer serves, and register the nodes."""
    certificates.prepare(lab, loopback)
    haproxy_file(lab).write_text(haproxy_configuration(lab))
    lab.admin_kubeconfig.write_text(objects.kubeconfig(loopback.of(topology.LOAD_BALANCER), "admin"))
    manager = objects.kubeconfig(str(topology.LOAD_BALANCER), CONTROLLER_MANAGER)
    controller_manager_kubeconfig(lab).write_text(manager)
    _run(lab, command_lines(lab, api_servers))
    _await_ready(lab, loopback, *api_servers, LOAD_BALANCER)
    # It gives up when the API isn't served within ten seconds.
    _run(lab, {CONTROLLER_MANAGER: controller_manager(lab)})
    objects.register_nodes(lab)


def restart_load_balancer(lab: Lab, loopback: Loopback) -> None:
    """Restart the load balancer: it reads its certificates only once, unlike the API servers."""
    processes.stop(lab, LOAD_BALANCER)
    _run(lab, command_lines(lab))
    _await_ready(lab, loopback, LOAD_BALANCER)


def stop(lab: Lab) -> None:
    """Stop the control plane. Only etcd keeps data: it stops last and in order, the others are killed."""
    with ThreadPoolExecutor() as pool:
        programs = (CONTROLLER_MANAGER, LOAD_BALANCER, *API_SERVERS)
        list(pool.map(lambda name: processes.stop(lab, name, signal.SIGKILL), programs))
    processes.stop(lab, ETCD)


def _run(lab: Lab, command_lines: Mapping[str, Sequence[str | Path]]) -> None:
    for name, command in command_lines.items():
        if not processes.find(lab, name):
            processes.start(lab, name, network.inside(lab, command))


def _await_ready(lab: Lab, loopback: Loopback, *names: str) -> None:
    """Wait for API servers or the load balancer. Raises LabError when one ends or takes too long."""
    served = {name: (loopback.of(address), topology.API_SERVER_PORT) for name, address in API_SERVERS.items()}
    served[LOAD_BALANCER] = (loopback.of(topology.LOAD_BALANCER), topology.LOAD_BALANCER_PORT)
    authority = ssl.create_default_context(cafile=lab.cert / "trust.pem")
    deadline = time.monotonic() + _READY_SECONDS
    for name in names:
        host, port = served[name]
        while not _is_ready(host, port, authority):
            for program in (ETCD, name):
                if not processes.find(lab, program):
                    raise LabError(f"{program}: ended", processes.log_file(lab, program))
            if time.monotonic() > deadline:
                raise LabError(
                    f"{name}: /readyz must answer 200 within {_READY_SECONDS:.0f} s", processes.log_file(lab, name)
                )
            time.sleep(_POLL_SECONDS)


def _is_ready(host: str, port: int, authority: ssl.SSLContext) -> bool:
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=authority)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
