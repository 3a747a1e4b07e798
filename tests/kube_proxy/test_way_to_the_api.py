"""scripts/kubernetes_api.sh reaches an API server as client-go does. kubectl, like kube-proxy, is built on client-go."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents import kubeconfig
from settings import Cluster
from tests.kube_proxy.api_and_proxies import Loopback, served

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAME = "kubernetes.lab"
"""A name in the server's certificate that doesn't resolve."""

# The server's certificate, which the https proxy uses too, and the client's. One CA signs both.
MAKE = f"""\
openssl req -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 1
issue() {{
    openssl req -newkey ed25519 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile "$3" -out "$1.pem"
}}
echo 'subjectAltName = DNS:localhost, DNS:{NAME}' >names
issue client system:kube-proxy /dev/null
issue server kubernetes names
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("api")
    subprocess.run(["/bin/sh", "-euc", MAKE], cwd=made, capture_output=True, check=True)
    return made


@pytest.fixture(scope="module")
def recorded() -> list[str]:
    return []


@pytest.fixture(scope="module")
def servers(directory: Path, recorded: list[str]) -> Iterator[dict[str, Loopback]]:
    with served(directory, recorded) as servers:
        yield servers


def write_kubeconfig(directory: Path, server: str, tls_server_name: str | None, proxy_url: str | None) -> None:
    ca, certificate, key = ((directory / name).read_text() for name in ("ca.pem", "client.pem", "client.key"))
    text = kubeconfig.render(
        cluster=Cluster(server=server, version="1.36.2", tls_server_name=tls_server_name, proxy_url=proxy_url),
        certificate_authority_pem=ca,
        client_certificate_pem=certificate,
        client_key_pem=key,
    )
    (directory / "kubeconfig").write_text(text)


def run(directory: Path, *command: str) -> bool:
    """Return whether the command succeeds, without proxies from the environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "NO_PROXY": "*", "no_proxy": "*"}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, timeout=60).returncode == 0


def by_client_go(directory: Path) -> bool:
    assert shutil.which("kubectl"), 'kubectl must be on PATH: make prepare, then eval "$(make -s env)"'
    return run(directory, "kubectl", "--kubeconfig=kubeconfig", "get", "--raw", "/version")


def by_the_script(directory: Path) -> bool:
    return run(
        directory,
        "/bin/sh",
        "-euc",
        f'. "{SCRIPTS}/ipv6.sh"; . "{SCRIPTS}/kubernetes_api.sh"; use_kubeconfig kubeconfig; '
        'api_get -o version "$api_url/version"; is_found version',
    )


@pytest.mark.parametrize(
    ("host", "tls_server_name", "proxy", "way"),
    [
        ("localhost", None, None, ["localhost"]),
        ("127.0.0.1", NAME, None, [NAME]),
        (NAME, None, "http", [f"CONNECT {NAME}", NAME]),
        (NAME, None, "https", [f"CONNECT {NAME}", NAME]),
        (NAME, None, "socks5", [f"SOCKS {NAME}", NAME]),
        ("127.0.0.1", NAME, "http", ["CONNECT 127.0.0.1", NAME]),
        ("nowhere.lab", NAME, "socks5", ["SOCKS nowhere.lab", NAME]),
        ("127.0.0.1", None, None, None),
        ("localhost", "other.lab", None, None),
    ],
)
def test_script_and_client_go_send_the_same_requests(
    directory: Path,
    servers: dict[str, Loopback],
    recorded: list[str],
    host: str,
    tls_server_name: str | None,
    proxy: str | None,
    way: list[str] | None,
) -> None:
    port = servers["api"].address[1]
    proxy_url = f"{proxy}://localhost:{servers[proxy].address[1]}" if proxy else None
    write_kubeconfig(directory, f"https://{host}:{port}", tls_server_name, proxy_url)
    # A proxy gets the server's host and port. A server gets the name in TLS, and its host in HTTP.
    *proxies, name = way or [""]
    expected = [f"{asked}:{port}" for asked in proxies]
    expected += [f"{name}, Host {host}:{port}, of CN=system:kube-proxy"] if name else []

    for client in (by_client_go, by_the_script):
        recorded.clear()
        assert client(directory) is (way is not None), client
        assert list(dict.fromkeys(recorded)) == expected, client  # kubectl may repeat the request
