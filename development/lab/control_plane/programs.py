"""The command lines and configuration of the control plane's programs."""

from pathlib import Path

from development.lab import topology
from development.lab.loopback import ETCD_PEER_PORT, ETCD_PORT, Loopback
from development.paths import Lab

ETCD = "etcd"
CONTROLLER_MANAGER = "kube-controller-manager"
LOAD_BALANCER = "haproxy"
API_SERVERS = {f"kube-apiserver-{address.packed[-1]}": address for address in topology.API_SERVERS}


def command_lines(lab: Lab, loopback: Loopback) -> dict[str, list[str | Path]]:
    """Return what serves the API, in the order of its start, each program with its command."""
    return {
        ETCD: etcd(lab, loopback),
        **{name: api_server(lab, loopback, name) for name in API_SERVERS},
        LOAD_BALANCER: ["haproxy", "-db", "-f", haproxy_file(lab)],
    }


def etcd(lab: Lab, loopback: Loopback) -> list[str | Path]:
    """Return etcd's command: one member, with TLS, because loopback is shared by everybody on this machine."""
    client, peer = f"https://{loopback.etcd}:{ETCD_PORT}", f"https://{loopback.etcd}:{ETCD_PEER_PORT}"
    certificate, key, authority = lab.cert / "etcd.pem", lab.cert / "etcd-key.pem", lab.cert / "etcd-ca.pem"
    return [
        "etcd",
        "--name=lab",
        f"--data-dir={lab.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=lab={peer}",
        "--client-cert-auth",
        f"--cert-file={certificate}",
        f"--key-file={key}",
        f"--trusted-ca-file={authority}",
        "--peer-client-cert-auth",
        f"--peer-cert-file={certificate}",
        f"--peer-key-file={key}",
        f"--peer-trusted-ca-file={authority}",
        "--log-level=warn",
    ]


def api_server(lab: Lab, loopback: Loopback, name: str) -> list[str | Path]:
    """Return an API server's command."""
    address = API_SERVERS[name]
    return [
        lab.bin / "kube-apiserver",
        f"--advertise-address={address}",
        f"--bind-address={loopback.of(address)}",
        f"--secure-port={topology.API_SERVER_PORT}",
        f"--service-cluster-ip-range={topology.SERVICE_RANGE},{topology.SERVICE_RANGE_IPV6}",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={lab.cert / 'trust.pem'}",
        f"--tls-cert-file={lab.cert / 'kubernetes.pem'}",
        f"--tls-private-key-file={lab.cert / 'kubernetes-key.pem'}",
        f"--etcd-servers=https://{loopback.etcd}:{ETCD_PORT}",
        f"--etcd-cafile={lab.cert / 'etcd-ca.pem'}",
        f"--etcd-certfile={lab.cert / 'etcd.pem'}",
        f"--etcd-keyfile={lab.cert / 'etcd-key.pem'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={lab.cert / 'service-account.pem'}",
        f"--service-account-signing-key-file={lab.cert / 'service-account-key.pem'}",
        # An identity is its machine's, and the three would fight for one.
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


def haproxy_configuration(lab: Lab, loopback: Loopback) -> str:
    """Return the load balancer's configuration: TCP, to the API servers which say that they are ready."""
    check = f'check check-ssl verify required ca-file "{lab.cert / "trust.pem"}" inter 2s fastinter 500ms fall 2 rise 1'
    servers = "".join(
        f"  server {name} {loopback.of(address)}:{topology.API_SERVER_PORT} {check}\n"
        for name, address in API_SERVERS.items()
    )
    return (
        "defaults\n"
        "  mode tcp\n"
        "  timeout connect 5s\n"
        "  timeout client 1h\n"  # a watch is silent for as long
        "  timeout server 1h\n"
        "  timeout check 5s\n"
        "listen kube-apiserver\n"
        f"  bind {loopback.of(topology.LOAD_BALANCER)}:{topology.LOAD_BALANCER_PORT}\n"
        "  option httpchk GET /readyz\n"
        f"{servers}"
    )
