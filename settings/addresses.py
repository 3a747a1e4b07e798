"""Types of addresses, CIDR blocks and URLs in a stack's configuration.

Rendered files contain an address as it was written (`FD00::101`). So a type is the written text with its parsed value.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from settings.field_types import ParsedText, checked
from settings.names import is_host

IP: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Address(ParsedText):
    """An IP address without a zone (`%eth0`), which has a meaning on one machine only."""

    def __init__(self, text: str) -> None:
        self.ip = _ip(text)


class Listener(ParsedText):
    """An IP address and a port: `192.168.99.101:10256` or `[fd00::101]:10256`."""

    def __init__(self, _text: object) -> None:
        match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:\[\]]+)):(?P<port>[0-9]{1,5})", self)
        try:
            if match and 1 <= int(match["port"]) <= 65535:
                self.ip, self.port = _ip(match["v6"] or match["v4"]), int(match["port"])
                if (self.ip.version == 6) == bool(match["v6"]):
                    return
        except ValueError:
            pass
        raise ValueError("must be IP:port (e.g. 192.168.99.101:10256 or [fd00::101]:10256)")


class CIDR(ParsedText):
    """A CIDR block. Bits behind the prefix are ignored, as kube-proxy does."""

    def __init__(self, text: str) -> None:
        address, _, prefix = text.partition("/")
        try:
            # ip_network also reads a netmask behind the slash; kube-proxy doesn't.
            if "%" not in address and re.fullmatch("[0-9]{1,3}", prefix):
                self.network: Network = ip_network(text, strict=False)
                return
        except ValueError:
            pass
        raise ValueError(f"must be a CIDR block (e.g. {'fd00:99::/64' if ':' in text else '192.168.99.0/24'})")


class ClusterCIDR(ParsedText):
    """One CIDR block, or one of each IP family with a comma between them."""

    def __init__(self, text: str) -> None:
        self.versions = tuple(_pod_network(block).version for block in text.split(","))
        """The IP versions, 4 and 6, in the order of the blocks."""
        if len(set(self.versions)) != len(self.versions):
            raise ValueError("must be one CIDR block, or one of each IP family (e.g. 172.30.0.0/16,fd00:172:30::/56)")


def host_and_port(host: object, port: int) -> str:
    """Return `192.168.99.101:22` or `[fd00::101]:22`."""
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _ip(text: str) -> IP:
    try:
        if "%" not in text:
            return ip_address(text)
    except ValueError:
        pass
    raise ValueError("must be an IP address (e.g. 192.168.99.101)")


def _pod_network(block: str) -> Network:
    example = "fd00:172:30::/56" if ":" in block else "172.30.0.0/16"
    try:
        network = None if "%" in block else ip_network(block, strict=False)
    except ValueError:
        network = None
    # ip_network also reads a bare address and a netmask; kube-proxy reads neither.
    if network is None or not re.search(r"/[0-9]+$", block):
        raise ValueError(f"must be a valid CIDR block (e.g. {example})")
    if network.network_address != ip_address(block.split("/")[0]):
        raise ValueError(f"must be the block's network address: {network}")
    return network


def _is_reachable(address: Address) -> bool:
    ip = address.ip
    own = ip.is_unspecified or ip.is_loopback or (ip.is_link_local and ip.version == 6)
    many = ip.is_multicast or ip == IPv4Address("255.255.255.255")
    return not (own or many or (ip.version == 6 and ip.ipv4_mapped))


# No zone: it has a meaning on one machine only. urlsplit ignores what is between a bracket and the port.
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"


def _url(pattern: str, must: str) -> AfterValidator:
    """Accept a URL that matches the pattern, with a valid host and port."""

    def test(text: str) -> bool:
        url = urlsplit(text if re.fullmatch(pattern, text) else "")
        return url.port != 0 and is_host(url.hostname or "")

    return checked(test, must)


_REACHABLE = (
    "must be an address that other machines can reach (e.g. {}): "
    "not loopback, unspecified, link-local, multicast, broadcast or IPv4-mapped"
)

NodeAddress: TypeAlias = Annotated[Address, checked(_is_reachable, _REACHABLE.format("192.168.99.101"))]
ServiceAddress: TypeAlias = Annotated[Address, checked(_is_reachable, _REACHABLE.format("10.0.0.1"))]
ServerURL: TypeAlias = Annotated[
    str,
    _url(
        rf"(?i:https)://{_HOST}(:[0-9]+)?/?",
        "must be an https URL with a host and an optional port (e.g. https://192.168.99.100:8443)",
    ),
]
TLSServerName: TypeAlias = Annotated[
    str,
    checked(
        lambda text: is_host(text) and "%" not in text,
        "must be a DNS name or an IP address from the API servers' certificate (e.g. kubernetes.default.svc)",
    ),
]
# The schemes are client-go's (tools/clientcmd/helpers.go). Programs differ in the default port, so it is required.
# Credentials would be in plain text in the stack's configuration.
ProxyURL: TypeAlias = Annotated[
    str,
    _url(
        rf"(http|https|socks5)://{_HOST}:[0-9]+/?",
        "must be an http, https or socks5 URL with a host and a port, without a user or password "
        "(e.g. http://192.168.99.10:3128)",
    ),
]
# The node checks the binary's digest, so plain http is as safe. Quotes and backslashes are special to a shell.
DownloadURL: TypeAlias = Annotated[
    str,
    _url(
        rf"""(?=[!-~]+\Z)(?i:https?)://{_HOST}(:[0-9]+)?/[^?#"'\\][^"'\\]*""",
        "must be an http or https URL without a user or password (e.g. https://example.org/kube-proxy)",
    ),
]
