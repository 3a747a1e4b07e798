"""The command lines and configuration of the control plane's programs."""

from collections.abc import Iterable
from pathlib import Path

from development.lab import topology
from development.paths import Lab

ETCD = "etcd"
CONTROLLER_MANAGER = "kube-controller-manager"
LOAD_BALANCER = "haproxy"
_ETCD_URL = "http://127.0.0.1:2379"
_ETCD_PEER_URL = "http://127.0.0.1:2380"

API_SERVERS = {f"kube-apiserver-{address.packed[-1]}": address for address in topology.API_SERVERS}


def command_lines(lab: Lab, api_servers: Iterable[str] = API_SERVERS) -> dict[str, list[str | Path]]:
    """Return the programs that serve the API with their commands, in the order in which they start."""
    return {
        ETCD: etcd(lab),
        **{name: api_server(lab, name) for name in api_servers},
        LOAD_BALANCER: ["haproxy", "-db", "-f", haproxy_file(lab)],
    }


def etcd(lab: Lab) -> list[str | Path]:
    """Return etcd's command: one member, without TLS. The network namespace's loopback is the lab's alone."""
    return [
        "etcd",
        "--name=lab",
        f"--data-dir={lab.state / 'etcd'}",
        f"--listen-client-urls={_ETCD_URL}",
        f"--advertise-client-urls={_ETCD_URL}",
        f"--listen-peer-urls={_ETCD_PEER_URL}",
        f"--initial-advertise-peer-urls={_ETCD_PEER_URL}",
        f"--initial-cluster=lab={_ETCD_PEER_URL}",
        "--log-level=warn",
    ]


def api_server(lab: Lab, name: str) -> list[str | Path]:
    """Return an API server's command."""
    return [
        lab.bin / "kube-apiserver",
        f"--bind-address={API_SERVERS[name]}",
        f"--secure-port={topology.API_SERVER_PORT}",
        f"--service-cluster-ip-range={topology.SERVICE_RANGE},{topology.SERVICE_RANGE_IPV6}",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={lab.cert / 'trust.pem'}",
        f"--tls-cert-file={lab.cert / 'kubernetes.pem'}",
        f"--tls-private-key-file={lab.cert / 'kubernetes-key.pem'}",
        f"--etcd-servers={_ETCD_URL}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={lab.cert / 'service-account.pem'}",
        f"--service-account-signing-key-file={lab.cert / 'service-account-key.pem'}",
        # An API server's identity is its machine's: the three would fight for one.
        "--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
        "--profiling=false",
    ]


def controller_manager(lab: Lab) -> list[str | Path]:
    """Return the controller manager's command: it signs and cleans up certificate requests, and listens nowhere."""
    return [
        lab.bin / CONTROLLER_MANAGER,
        f"--kubeconfig={controller_manager_kubeconfig(lab)}",
        "--controllers=certificatesigningrequest-signing-controller,certificatesigningrequest-cleaner-controller",
        f"--cluster-signing-cert-file={lab.cert / 'ca.pem'}",
        f"--cluster-signing-key-file={lab.cert / 'ca-key.pem'}",
        # Each controller as its own service account: the controller manager's own user may do little.
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]


def controller_manager_kubeconfig(lab: Lab) -> Path:
    """Return the controller manager's kubeconfig."""
    return lab.state / "controller-manager.kubeconfig"


def haproxy_file(lab: Lab) -> Path:
    """Return the load balancer's configuration file."""
    return lab.state / "haproxy.cfg"


def haproxy_configuration(lab: Lab) -> str:
    """Return the load balancer's configuration: TCP, to the API servers that report ready."""
    check = f'check check-ssl verify required ca-file "{lab.cert / "trust.pem"}" inter 2s fastinter 500ms fall 2 rise 1'
    servers = "".join(
        f"  server {name} {address}:{topology.API_SERVER_PORT} {check}\n" for name, address in API_SERVERS.items()
    )
    return (
        "defaults\n"
        "  mode tcp\n"
        "  timeout connect 5s\n"
        "  timeout client 1h\n"  # a watch can be silent that long
        "  timeout server 1h\n"
        "  timeout check 5s\n"
        "listen kube-apiserver\n"
        f"  bind {topology.LOAD_BALANCER}:{topology.LOAD_BALANCER_PORT}\n"
        f"  bind [{topology.ipv6(topology.LOAD_BALANCER)}]:{topology.LOAD_BALANCER_PORT}\n"
        "  option httpchk GET /readyz\n"
        f"{servers}"
    )
