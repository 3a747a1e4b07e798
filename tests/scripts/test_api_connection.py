"""A node's requests to the API server use kube-proxy's proxy and TLS server name; all its other requests are direct."""

import pytest

from tests.scripts.fake_node import FakeNode

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
