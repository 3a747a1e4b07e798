"""Addresses as they are written in a stack's configuration.

What accepts a text returns it unchanged or raises ValueError.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

from settings.names import host_name

Address: TypeAlias = IPv4Address | IPv6Address


def parsed_address(text: str) -> Address:
    """Return the IP address; without a zone (`%eth0`), which is one machine's own name for an interface."""
    try:
        if "%" not in text:
            return ip_address(text)
    except ValueError:
        pass
    raise ValueError("must be an IP address (e.g. 192.168.99.101)")


def service_address(text: str) -> str:
    """Accept the address of a Service."""
    return _reachable(text, "10.0.0.1")


def node_address(text: str) -> str:
    """Accept an address that a node can bind and its peers can reach."""
    return _reachable(text, "192.168.99.101")


def _reachable(text: str, example: str) -> str:
    address = parsed_address(text)
    own = address.is_unspecified or address.is_loopback or (address.is_link_local and address.version == 6)
    many = address.is_multicast or address == IPv4Address("255.255.255.255")
    if own or many or (isinstance(address, IPv6Address) and address.ipv4_mapped):
        raise ValueError(
            f"must be an address that other machines can reach (e.g. {example}): "
            "not loopback, unspecified, link-local, multicast, broadcast or IPv4-mapped"
        )
    return text


def cluster_cidr(text: str) -> str:
    """Accept one CIDR block, or a pair of one IPv4 and one IPv6 block separated by a comma."""
    families = [_cidr_family(block) for block in text.split(",")]
    if len(set(families)) != len(families):
        raise ValueError("must be one CIDR block or one of each family (e.g. 172.30.0.0/16,fd00:172:30::/56)")
    return text


def _cidr_family(block: str) -> int:
    example = "fd00:172:30::/56" if ":" in block else "172.30.0.0/16"
    try:
        network = ip_network(block, strict=False)
    except ValueError:
        network = None
    # ip_network also reads a bare address and a netmask; kube-proxy reads neither.
    if network is None or not re.search(r"/[0-9]+$", block):
        raise ValueError(f"must be a valid CIDR block (e.g. {example})")
    if str(network.network_address) != str(ip_address(block.split("/")[0])):
        raise ValueError(f"must be the block's network address: {network}")
    return network.version


def families(cidr: str) -> tuple[int, ...]:
    """Return the IP versions, 4 and 6, of a cluster CIDR, in its order."""
    return tuple(ip_network(block).version for block in cidr.split(","))


def address_and_port(text: str) -> tuple[Address, int]:
    """Return the two of `192.168.99.101:10256` or `[fd00::101]:10256`."""
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:\[\]]+)):(?P<port>[0-9]{1,5})", text)
    try:
        if match and 1 <= int(match["port"]) <= 65535:
            address = parsed_address(match["v6"] or match["v4"])
            if (address.version == 6) == bool(match["v6"]):
                return address, int(match["port"])
    except ValueError:
        pass
    raise ValueError("must be IP:port (e.g. 192.168.99.101:10256 or [fd00::101]:10256)")


def server_url(text: str) -> str:
    """Accept the URL of an API server: https, a host, perhaps a port, nothing else."""
    must = "must be an https URL of a host and perhaps a port (e.g. https://192.168.99.100:8443)"
    try:
        url = urlsplit(text)
        well_formed = url.scheme == "https" and url.port != 0 and "@" not in url.netloc and not url.netloc.endswith(":")
        host_name(url.hostname or "")
    except ValueError:
        raise ValueError(must) from None
    if not well_formed or url.path not in ("", "/") or re.search(r"[?#\s]", text):
        raise ValueError(must)
    return text


def tls_server_name(text: str) -> str:
    """Accept a name that a server's certificate can be verified for."""
    must = "must be a DNS name or an IP address in the API servers' certificate (e.g. kubernetes.default.svc)"
    try:
        host_name(text)
    except ValueError:
        raise ValueError(must) from None
    if "%" in text:
        raise ValueError(must)
    return text


def proxy_url(text: str) -> str:
    """Accept the URL of a proxy: a scheme that client-go knows (tools/clientcmd/helpers.go), a host, a port.

    The port must be there because programs differ in what they take for it; credentials would be in plain in the
    stack's configuration.
    """
    must = (
        "must be an http, https or socks5 URL of a host and a port, without a user or password "
        "(e.g. http://192.168.99.10:3128)"
    )
    try:
        url = urlsplit(text)
        well_formed = bool(url.port) and "@" not in url.netloc
        host_name(url.hostname or "")
    except ValueError:
        raise ValueError(must) from None
    if not well_formed or not re.fullmatch(r"(http|https|socks5)://[^/?#\s]+/?", text):
        raise ValueError(must)
    return text


def download_url(text: str) -> str:
    """Accept the URL of a binary that a node fetches; its digest is checked, so plain http is as safe."""
    must = "must be an http or https URL without a user or password (e.g. https://example.org/kube-proxy)"
    try:
        url = urlsplit(text)
        host_name(url.hostname or "")
        well_formed = url.scheme in ("http", "https") and url.port != 0 and "@" not in url.netloc
    except ValueError:
        raise ValueError(must) from None
    if not well_formed or url.path in ("", "/") or re.search(r"[\s\"'\\]|[^\x21-\x7e]", text):
        raise ValueError(must)
    return text
