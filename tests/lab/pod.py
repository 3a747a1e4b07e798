"""A pod on each node, as far as kube-proxy can tell: a network namespace with an address of the cluster's pods.

It answers HTTP and UDP, in both IP families, and SCTP. A Service of its own leads to it by everything that a Service can have:
ClusterIP, node port, external IP, load balancer's address, session affinity, and the external traffic policy Local. Two Services
have the pods of all nodes: one with the internal traffic policy Local, and a headless one, of which kube-proxy knows nothing.
Beside them are the Services of odd_services.yaml.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from development.lab import network, topology
from development.lab.node import Node
from settings.addresses import host_and_port
from tests.lab.cluster import Cluster

_PROJECT = Path(__file__).parents[2]
NAMESPACE = "pod"
LOCAL, HEADLESS = "pods-local", "pods-headless"
"""The Services with the pods of all nodes."""

_LOCAL_ADDRESS = "10.0.3.1"
_ODD_SERVICES = Path(__file__).parent / "odd_services.yaml"
_PORT = 8080

# The lab's networkd removes addresses from every interface of type ether that it manages.
_ADD = f"""\
set -e
mkdir -p /run/systemd/network
printf '[Match]\\nName=pod0\\n[Link]\\nUnmanaged=yes\\n' >/run/systemd/network/00-pod.network
networkctl reload
ip netns add {NAMESPACE}
ip link add pod0 type veth peer name eth0 netns {NAMESPACE}
ip address add $1/24 dev pod0
ip address add $3/64 dev pod0 nodad
ip link set pod0 up
ip -n {NAMESPACE} address add $2/24 dev eth0
ip -n {NAMESPACE} address add $4/64 dev eth0 nodad
ip -n {NAMESPACE} link set lo up
ip -n {NAMESPACE} link set eth0 up
ip -n {NAMESPACE} route add default via $1
ip -n {NAMESPACE} route add default via $3
sysctl -q -w net.ipv6.conf.all.forwarding=1
modprobe sctp
systemd-run -q --unit=pod -p NetworkNamespacePath=/run/netns/{NAMESPACE} perl /run/pod.pl $2
"""
_REMOVE = f"""\
systemctl stop pod
sysctl -q -w net.ipv6.conf.all.forwarding=0
ip link delete pod0
ip netns delete {NAMESPACE}
rm -f /run/systemd/network/00-pod.network /run/pod.pl /run/sctp.pl
networkctl reload
:
"""

# SCTP tells its peer all addresses that its socket may use, which address translation doesn't change: it must be one.
# A request for /ticks is answered by a line every half second, for as long as the client likes.
_SERVER = f"""\
use strict; use warnings;
use IO::Select; use IO::Socket::INET; use IO::Socket::IP; use Time::HiRes "time";
$SIG{{PIPE}} = "IGNORE";
my $tcp = IO::Socket::IP->new(LocalHost => "::", LocalPort => {_PORT}, V6Only => 0, Listen => 99, ReuseAddr => 1) or die $!;
my $udp = IO::Socket::IP->new(LocalHost => "::", LocalPort => {_PORT}, V6Only => 0, Proto => "udp") or die $!;
my $sctp = IO::Socket::INET->new(
    LocalAddr => $ARGV[0], LocalPort => {_PORT}, Proto => "sctp", Type => SOCK_STREAM, Listen => 99, ReuseAddr => 1) or die $!;
my $sockets = IO::Select->new($tcp, $udp, $sctp);
my (%ticking, $due);
while (1) {{
    for my $socket ($sockets->can_read(0.1)) {{
        if ($socket == $tcp || $socket == $sctp) {{ $sockets->add($socket->accept); next }}
        if ($socket == $udp) {{ send $udp, "pong", 0, recv $udp, my $ping, 99, 0; next }}
        my $read = sysread $socket, my $request, 9999;
        if ($read && $request =~ m{{^GET /ticks }}) {{ $ticking{{$socket}} = $socket; next }}
        syswrite $socket, "HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\npod" if $read;
        delete $ticking{{$socket}}; $sockets->remove($socket); close $socket;
    }}
    if (time > ($due // 0)) {{ $due = time + 0.5; syswrite $_, "tick\\n" for values %ticking }}
}}
"""

# Each second a request on a new association; a line for each on standard error: HTTP status, seconds taken, reason.
_SCTP_CLIENT = """\
use strict; use warnings;
use IO::Select; use IO::Socket::INET; use Time::HiRes "time";
my ($address, $source) = @ARGV;
while (1) {
    my ($began, $status, $answer) = (time, "000", "");
    my $socket = IO::Socket::INET->new(
        PeerAddr => $address, PeerPort => 80, LocalAddr => $source, Proto => "sctp", Type => SOCK_STREAM, Timeout => 4);
    if ($socket) {
        syswrite $socket, "GET / HTTP/1.1\\r\\n\\r\\n";
        sysread $socket, $answer, 99 if IO::Select->new($socket)->can_read(4);
        $status = $1 if $answer =~ m{^HTTP/1.1 (\\d+)};
        close $socket;
    }
    printf STDERR "%s %.3f %s\\n", $status, time - $began, $status eq "000" ? $! : "";
    sleep 1;
}
"""

TCP = """\
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 80), timeout=20, source_address=(sys.argv[2], 0))
connection.sendall(b"GET /ticks HTTP/1.1\\r\\n\\r\\n")
try:
    while connection.recv(99):
        print(time.monotonic(), flush=True)
except OSError:
    pass
"""
UDP = """\
import socket, sys, time
connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
connection.bind((sys.argv[2], 0))
connection.connect((sys.argv[1], 80))
connection.settimeout(0.5)
while True:
    try:
        connection.send(b"ping")
        connection.recv(99)
        print(time.monotonic(), flush=True)
        time.sleep(0.5)
    except TimeoutError:
        pass
"""


def _number(node: Node) -> int:
    return node.worker.address.packed[-1]


def _addresses(node: Node) -> list[str]:
    return [str(topology.pods(node.worker)[2]), str(topology.pods_ipv6(node.worker)[2])]


def _cluster_ips(node: Node) -> list[str]:
    return [f"10.0.0.{_number(node)}", str(topology.services_ipv6(node.worker)[1])]


def _external(node: Node) -> list[str]:
    return [f"10.0.1.{_number(node)}", str(topology.services_ipv6(node.worker)[2])]


def _balanced(node: Node) -> list[str]:
    return [f"10.0.2.{_number(node)}", str(topology.services_ipv6(node.worker)[3])]


def _node_port(node: Node) -> int:
    return 30000 + _number(node)


def urls(node: Node) -> Iterator[str]:
    """Yields all ways from outside to the node's pod."""
    node_addresses = [str(node.worker.address), str(topology.ipv6(node.worker.address))]
    for addresses, port in (
        (_cluster_ips(node), 80),
        (_external(node), 80),
        (_balanced(node), 80),
        (node_addresses, _node_port(node)),
    ):
        for address in addresses:
            yield f"http://{host_and_port(address, port)}/"
    yield f"udp://{host_and_port(_cluster_ips(node)[1], 80)}"
    for address, port in ((_cluster_ips(node)[0], 80), (_external(node)[0], 80), (node_addresses[0], _node_port(node))):
        yield f"udp://{host_and_port(address, port)}"


def client(node: Node, url: str) -> str:
    """Returns the address in the lab's network from which requests to a URL go through the node."""
    return str(topology.ipv6(topology.GATEWAY) if "[" in url else topology.client(node.worker))


def local_url() -> str:
    """Returns the URL of the Service with the internal traffic policy Local, for requests from the node and its pod."""
    return f"http://{host_and_port(_LOCAL_ADDRESS, 80)}/"


def sctp_client(node: Node, *, from_pod: bool) -> str:
    """Returns the command that sends requests by SCTP to the pod's Service, from the node or its pod, until it is stopped."""
    source = _addresses(node)[0] if from_pod else node.worker.address
    return f"perl /run/sctp.pl {_cluster_ips(node)[0]} {source}"


def add(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Makes these nodes' pods and their Services, and waits until each answers by HTTP from outside.

    Two Services list the pods of all nodes. Those of other nodes don't exist.
    """
    for node in nodes:
        add_to(node)
    objects = [*_of_all(cluster.nodes), *(each for node in nodes for each in _objects(node))]
    (cluster.lab.state / "pods.yaml").write_text(yaml.safe_dump_all(objects))
    cluster.kubectl("apply", "-f", str(cluster.lab.state / "pods.yaml"))
    cluster.kubectl("apply", "-f", str(_ODD_SERVICES))
    _set_balanced(cluster, "two-addresses", ["10.0.5.1", "10.0.5.2"])
    _set_balanced(cluster, "not-on-node01", ["10.0.5.4"])
    for node in nodes:
        _set_balanced(cluster, f"pod-{node.name}", _balanced(node))
    for node in nodes:
        _await_answers_from_outside(node)


def _await_answers_from_outside(node: Node) -> None:
    patient = ["curl", "-s", "-o", "/dev/null", "--connect-timeout", "2", "--retry-all-errors", "--retry", "60"]
    for url in urls(node):
        if url.startswith("http:"):
            command = [*patient, "--retry-delay", "1", "--interface", client(node, url), url]
            subprocess.run(network.inside(node.lab, command), check=True)


def _set_balanced(cluster: Cluster, service: str, addresses: Sequence[str]) -> None:
    """Gives a Service the addresses of a load balancer."""
    status = {"status": {"loadBalancer": {"ingress": [{"ip": address} for address in addresses]}}}
    cluster.kubectl("patch", "service", service, "--subresource=status", "-p", json.dumps(status))


def add_to(node: Node) -> None:
    """Makes a node's pod, at first and after a boot."""
    for name, program in (("pod", _SERVER), ("sctp", _SCTP_CLIENT)):
        node.run(f"cat >/run/{name}.pl", stdin=program.encode())
    gateways, addresses = (topology.pods(node.worker)[1], topology.pods_ipv6(node.worker)[1]), _addresses(node)
    node.run(f"sh -s {gateways[0]} {addresses[0]} {gateways[1]} {addresses[1]}", stdin=_ADD.encode())


def await_answers(node: Node) -> None:
    """Waits until kube-proxy has synchronized both IP families since the node's boot, and the pod answers in both."""
    metrics = f"http://{node.worker.address}:10249/metrics"
    synchronized = f"curl -s {metrics} | grep -c '^kubeproxy_sync_proxy_rules_last_timestamp_seconds{{'"
    node.run(f"until [ $({synchronized}) = 2 ]; do sleep 0.5; done")
    for address in _addresses(node):
        node.run(f"until curl -s -o /dev/null http://{host_and_port(address, _PORT)}/; do sleep 0.5; done")


def remove(cluster: Cluster, nodes: Sequence[Node]) -> None:
    """Removes them, and waits until none of these nodes has their rules."""
    cluster.kubectl("delete", "-f", str(_ODD_SERVICES), "-f", str(cluster.lab.state / "pods.yaml"))
    for node in nodes:
        node.run(
            "while { ipvsadm -Sn; iptables-save; nft list ruleset; } 2>/dev/null "
            f"| grep -qwF '{_cluster_ips(node)[0]}'; do sleep 0.5; done"
        )
        node.run("sh 2>/dev/null", stdin=_REMOVE.encode())


def _objects(node: Node) -> list[dict[str, object]]:
    name = f"pod-{node.name}"
    ports = [{"name": protocol.lower(), "port": 80, "protocol": protocol} for protocol in ("TCP", "UDP", "SCTP")]
    service = _service(
        name,
        {
            "type": "LoadBalancer",
            "ipFamilyPolicy": "RequireDualStack",
            "clusterIP": _cluster_ips(node)[0],
            "clusterIPs": _cluster_ips(node),
            "externalIPs": _external(node),
            "externalTrafficPolicy": "Local",
            "sessionAffinity": "ClientIP",
            "ports": [port | {"targetPort": _PORT, "nodePort": _node_port(node)} for port in ports],
        },
    )
    targets = [port | {"port": _PORT} for port in ports]
    return [service, *(_slice(name, number, [node], targets) for number in range(2))]


def _of_all(nodes: Sequence[Node]) -> Iterator[dict[str, object]]:
    ports: list[dict[str, object]] = [{"name": "http", "port": 80, "targetPort": _PORT}]
    for name, spec in (
        (LOCAL, {"clusterIP": _LOCAL_ADDRESS, "internalTrafficPolicy": "Local"}),
        (HEADLESS, {"clusterIP": "None"}),
    ):
        yield _service(name, spec | {"ports": ports})
        yield _slice(name, 0, nodes, [{"name": "http", "port": _PORT}])


def _service(name: str, spec: Mapping[str, object]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def _slice(name: str, family: int, nodes: Sequence[Node], ports: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Returns the pods of these nodes; the family is 0 for IPv4 and 1 for IPv6."""
    address_type = ("IPv4", "IPv6")[family]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-{address_type.lower()}",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": address_type,
        "endpoints": [{"addresses": [_addresses(node)[family]], "nodeName": node.name} for node in nodes],
        "ports": ports,
    }


@contextmanager
def connections(node: Node) -> Iterator[tuple[list[float], list[float]]]:
    """Keeps a TCP connection and a UDP flow through the node to its pod."""
    with connection(node, TCP) as of_tcp, connection(node, UDP) as of_udp:
        yield of_tcp, of_udp


@contextmanager
def connection(node: Node, program: str) -> Iterator[list[float]]:
    """Keeps a connection through the node to its pod: TCP or UDP.

    The list has the times when something came from the pod, by time.monotonic(); it is filled at the end.
    """
    times: list[float] = []
    command = [sys.executable, "-c", program, _cluster_ips(node)[0], client(node, _cluster_ips(node)[0])]
    with subprocess.Popen(network.inside(node.lab, command), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline(), "the pod must answer"
        try:
            yield times
        finally:
            process.terminate()
            times += map(float, process.stdout)
