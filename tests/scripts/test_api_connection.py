"""A node's requests to the API server use kube-proxy's proxy and TLS server name; all its other requests are direct."""

import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.scripts.fake_node import FakeNode

SCRIPTS = Path(__file__).parents[2] / "scripts"
API, SERVICE = "https://192.168.99.100:8443/", "https://10.0.0.1:443/version"
WITH_TLS_SERVER_NAME = 'connect-to = "::192.168.99.100:8443",header = "Host: 192.168.99.100:8443"'


def requests(node: FakeNode) -> set[tuple[str, str]]:
    """Runs all stages and returns each HTTPS server they asked, with curl's options for the connection."""
    node.write("requests", "")
    for stage in ("preflight", "stage", "activate"):
        node.succeed(stage)
    logged = [line.split(" ", 1) for line in node.path("requests").read_text().splitlines()]
    assert len(logged) > 5
    https = [(url, options) for url, options in logged if "https" in url]
    return {(url if url == SERVICE else url[: url.index("/", 8) + 1], options) for url, options in https}


@pytest.mark.parametrize(
    ("tls_server_name", "proxy_url", "server", "options"),
    [
        ("", "", API, 'noproxy = "*"'),
        ("kubernetes.lab", "", "https://kubernetes.lab:8443/", f'noproxy = "*",{WITH_TLS_SERVER_NAME}'),
        ("", "http://192.168.99.10:3128", API, 'proxy = "http://192.168.99.10:3128",noproxy = ""'),
        (
            "kubernetes.lab",
            "socks5://192.168.99.10:1080",
            "https://kubernetes.lab:8443/",
            f'proxy = "socks5h://192.168.99.10:1080",noproxy = "",{WITH_TLS_SERVER_NAME}',
        ),
    ],
)
def test_api_is_reached_as_configured_and_the_service_directly(
    node: FakeNode, tls_server_name: str, proxy_url: str, server: str, options: str
) -> None:
    node.parameters |= {"TLS_SERVER_NAME": tls_server_name, "PROXY_URL": proxy_url}
    node.files["kube-proxy.kubeconfig"] += f"tls-server-name: {tls_server_name}\n" if tls_server_name else ""
    node.files["kube-proxy.kubeconfig"] += f"proxy-url: '{proxy_url}'\n" if proxy_url else ""

    assert requests(node) == {(server, options), (SERVICE, "noproxy *")}


def test_proxy_password_in_a_kubeconfig_is_readable_by_root_only(node: FakeNode) -> None:
    node.files["kube-proxy.kubeconfig"] += "proxy-url: http://user:hunter2@192.168.99.10:3128\n"
    node.succeed("stage")

    options = node.path("run/stage/curl.options")
    assert "hunter2" in options.read_text()
    assert options.stat().st_mode & 0o777 == 0o600


KUBECONFIG = """\
apiVersion: v1
clusters:
- cluster:
    server: https://other:1
    proxy-url: http://other:2
  name: other
- cluster:
    certificate-authority-data: a2V5
    extensions:
    - extension: |
        server: https://other:3
      name: x
    server: {server}
  name: kubernetes
contexts:
- context:
    cluster: other
    user: other
  name: other
- context:
    cluster: kubernetes
    user: kube-proxy
  name: default
current-context: default
users:
- name: kube-proxy
  user:
    client-key-data: a2V5
- name: other
  user:
    client-key-data: b3RoZXI=
"""


def use_kubeconfig(directory: Path, text: str) -> tuple[str, str]:
    """Reads a kubeconfig on a node; returns the URL of the API and the options for curl."""
    (directory / "kubeconfig").write_text(text)
    script = f"set -eu; for each in ipv6 kubernetes_api; do . {SCRIPTS}/$each.sh; done; use_kubeconfig kubeconfig; echo $api_url"
    done = subprocess.run(["/bin/sh", "-c", script], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout.strip(), (directory / "curl.options").read_text()


def test_kubeconfig_of_another_program_is_read_by_its_current_context(tmp_path: Path) -> None:
    """A rollback is proven with the kubeconfig that was there before."""
    url, options = use_kubeconfig(tmp_path, KUBECONFIG.format(server="https://192.168.99.100:8443"))

    assert (url, options) == ("https://192.168.99.100:8443", 'noproxy = "*"\n')
    assert (tmp_path / "client-key-data").read_text() == "key"
    assert not (tmp_path / "kubeconfig.fields").exists()


@pytest.mark.parametrize("key", ["server", "tls-server-name", "proxy-url"])
@pytest.mark.parametrize(
    "value", ['https://a"', 'a"\\noutput = "/etc/passwd', "a b", "a\\", "https://{a,b}", "https://é", "\x1b[2J", "a\tb"]
)
def test_no_value_of_a_kubeconfig_becomes_an_option_of_curl(tmp_path: Path, key: str, value: str) -> None:
    text = KUBECONFIG.format(server="https://192.168.99.100:8443" if key != "server" else value)
    text = text.replace("  name: kubernetes\n", f"    {key}: {value}\n  name: kubernetes\n")

    assert use_kubeconfig(tmp_path, text) == ("https://kubeconfig.invalid", 'noproxy = "*"\n')


@pytest.mark.parametrize("text", ["", "clusters: []\n", "a: [", "server:\n", "client-key-data: '*'\n", "\x00\n"])
def test_kubeconfig_that_is_none_does_not_end_a_rollback(tmp_path: Path, text: str) -> None:
    assert use_kubeconfig(tmp_path, text) == ("https://", 'noproxy = "*"\n')


def test_address_that_the_api_answers_is_one_address(tmp_path: Path) -> None:
    """curl would make a hundred million requests of the range."""
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(400)

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        script = f'. "$1" && curl_as_kube_proxy -o answer "http://127.0.0.1:{server.server_port}/[1-3]/version"'
        command = ["/bin/sh", "-c", script, "sh", str(SCRIPTS / "kubernetes_api.sh")]
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20, check=False)
        server.shutdown()
    assert asked == ["/[1-3]/version"]
