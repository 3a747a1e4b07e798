"""A node's questions to the API go as kube-proxy itself does: by its proxy, verified for its name; others never do."""

import pytest

from tests.scripts.fake_node import FakeNode

API, SERVICE = "https://192.168.99.100:8443/", "https://10.0.0.1:443/version"
VERIFIED_FOR_A_NAME = 'connect-to = "::192.168.99.100:8443",header = "Host: 192.168.99.100:8443"'


def requests(node: FakeNode) -> set[tuple[str, str]]:
    """Each server that was asked in a whole run, and curl's options for the way to it."""
    node.write("requests", "")
    for stage in ("preflight", "stage", "activate"):
        done = node.run(stage)
        assert done.returncode == 0, done.stderr
    each = [line.split(" ", 1) for line in node.path("requests").read_text().splitlines()]
    assert len(each) > 5
    return {(url if url == SERVICE else url[: url.index("/", 8) + 1], way) for url, way in each if "https" in url}


@pytest.mark.parametrize(
    ("tls_server_name", "proxy_url", "server", "way"),
    [
        ("", "", API, 'noproxy = "*"'),
        ("kubernetes.lab", "", "https://kubernetes.lab:8443/", f'noproxy = "*",{VERIFIED_FOR_A_NAME}'),
        ("", "http://192.168.99.10:3128", API, 'proxy = "http://192.168.99.10:3128",noproxy = ""'),
        (
            "kubernetes.lab",
            "socks5://192.168.99.10:1080",
            "https://kubernetes.lab:8443/",
            f'proxy = "socks5h://192.168.99.10:1080",noproxy = "",{VERIFIED_FOR_A_NAME}',
        ),
    ],
)
def test_to_the_api_as_configured_and_to_the_service_directly(
    node: FakeNode, tls_server_name: str, proxy_url: str, server: str, way: str
) -> None:
    node.parameters |= {"TLS_SERVER_NAME": tls_server_name, "PROXY_URL": proxy_url}
    node.files["kube-proxy.kubeconfig"] += f"tls-server-name: {tls_server_name}\n" if tls_server_name else ""
    node.files["kube-proxy.kubeconfig"] += f"proxy-url: '{proxy_url}'\n" if proxy_url else ""

    assert requests(node) == {(server, way), (SERVICE, "noproxy *")}


def test_a_proxys_password_in_a_kubeconfig_of_others_is_for_root_alone(node: FakeNode) -> None:
    node.files["kube-proxy.kubeconfig"] += "proxy-url: http://user:hunter2@192.168.99.10:3128\n"
    assert node.run("stage").returncode == 0

    way = node.path("run/stage/curl.options")
    assert "hunter2" in way.read_text()
    assert way.stat().st_mode & 0o777 == 0o600
