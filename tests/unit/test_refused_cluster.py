"""Invalid values of `cluster`, and the message for each."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.conftest import ABSENT

SERVER = "must be an https URL with a host and an optional port (e.g. https://192.168.99.100:8443)"
TLS_SERVER_NAME = "must be a DNS name or an IP address from the API servers' certificate (e.g. kubernetes.default.svc)"
PROXY_URL = (
    "must be an http, https or socks5 URL with a host and a port, without a user or password "
    "(e.g. http://192.168.99.10:3128)"
)

CASES: list[tuple[str, object, str]] = [
    ("cluster.server", ABSENT, "Required value: must be the API server's URL (e.g. https://192.168.99.100:8443)"),
    ("cluster.server", "http://192.168.99.100:8080", f'Invalid value: "http://192.168.99.100:8080": {SERVER}'),
    ("cluster.server", "192.168.99.100:8443", f'Invalid value: "192.168.99.100:8443": {SERVER}'),
    ("cluster.server", "https://192.168.99.300", f'Invalid value: "https://192.168.99.300": {SERVER}'),
    ("cluster.server", "https://a:", f'Invalid value: "https://a:": {SERVER}'),
    ("cluster.server", "https://a:0", f'Invalid value: "https://a:0": {SERVER}'),
    ("cluster.server", "https://a:70000", f'Invalid value: "https://a:70000": {SERVER}'),
    ("cluster.server", "https://a/path", f'Invalid value: "https://a/path": {SERVER}'),
    ("cluster.server", "https://a?b", f'Invalid value: "https://a?b": {SERVER}'),
    ("cluster.server", "https://a#b", f'Invalid value: "https://a#b": {SERVER}'),
    ("cluster.server", "https://[fd00::1", f'Invalid value: "https://[fd00::1": {SERVER}'),
    ("cluster.server", "https://admin:hunter2@a", f"Invalid value: {SERVER}"),
    *(
        ("cluster.server", server, f"Invalid value: {json.dumps(server, ensure_ascii=False)}: {SERVER}")
        for server in (
            "https://[fd00::1]ANYTHING:8443",
            'https://[fe80::1%"]:8443',
            "https://[fe80::1%eth0]:8443",
            "https://[192.168.99.100]:8443",
            "https://a\\b",
            "https://{a,b}",
            "\u0000https://a",
            "https://a\n",
            "https://\u212a8s.example",
        )
    ),
    (
        "cluster.version",
        ABSENT,
        "Required value: must be the control plane's version (e.g. 1.36.2): see kubectl version",
    ),
    ("cluster.version", "1.36", 'Invalid value: "1.36": must be a complete Kubernetes version (e.g. 1.36.2)'),
    ("cluster.version", 1.36, "Invalid value: 1.36: must be a string: put it in quotes"),
    ("cluster.name", "", 'Invalid value: "": must be one line of text'),
    ("cluster.name", "a\nb", 'Invalid value: "a\\nb": must be one line of text'),
    (
        "cluster.clusterCIDR",
        "172.30.0.0",
        'Invalid value: "172.30.0.0": must be a valid CIDR block (e.g. 172.30.0.0/16)',
    ),
    (
        "cluster.clusterCIDR",
        "172.30.0.0/255.255.0.0",
        'Invalid value: "172.30.0.0/255.255.0.0": must be a valid CIDR block (e.g. 172.30.0.0/16)',
    ),
    (
        "cluster.clusterCIDR",
        "fd00::",
        'Invalid value: "fd00::": must be a valid CIDR block (e.g. fd00:172:30::/56)',
    ),
    (
        "cluster.clusterCIDR",
        "172.30.9.1/16",
        'Invalid value: "172.30.9.1/16": must be the block\'s network address: 172.30.0.0/16',
    ),
    (
        "cluster.clusterCIDR",
        "172.30.0.0/16,172.31.0.0/16",
        'Invalid value: "172.30.0.0/16,172.31.0.0/16": '
        "must be one CIDR block, or one of each IP family (e.g. 172.30.0.0/16,fd00:172:30::/56)",
    ),
    *(
        ("cluster.tlsServerName", name, f'Invalid value: "{name}": {TLS_SERVER_NAME}')
        for name in ("https://a", "a:443", "*.a", "192.168.99.300", "fe80::1%eth0", "\u212a8s")
    ),
    *(
        ("cluster.proxyURL", url, f'Invalid value: "{url}": {PROXY_URL}')
        for url in (
            "192.168.99.10:3128",
            "socks4://a:1080",
            "socks5h://a:1080",
            "http://a",
            "http://a:1/b",
            "http://[fd00::1]b:1",
            "http://a:0",
        )
    ),
    ("cluster.proxyURL", "http://admin:hunter2@a:3128", f"Invalid value: {PROXY_URL}"),
    ("cluster.kubernetesService", "10.0.0", 'Invalid value: "10.0.0": must be an IP address (e.g. 192.168.99.101)'),
]


@pytest.mark.parametrize(("where", "value", "message"), CASES)
def test_invalid_cluster_value_is_refused(
    refused_with: Callable[[str, object], list[str]], where: str, value: object, message: str
) -> None:
    assert refused_with(where, value) == [f"{where}: {message}"]


def test_https_proxy_is_refused_together_with_tls_server_name(
    values: dict[str, Any], refused: Callable[[dict[str, Any]], list[str]]
) -> None:
    values["cluster"] |= {"tlsServerName": "a", "proxyURL": "https://b:3128"}

    assert refused(values) == [
        "cluster.proxyURL: Forbidden: must not be an https proxy together with cluster.tlsServerName: kube-proxy would verify "
        "the proxy's certificate for that name too; use an http or socks5 proxy"
    ]
