"""Types of names in a stack's configuration."""

import re
from ipaddress import ip_address
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from settings.field_types import checked, matching
from settings.problems import UnshownError

API_CLIENT_SIGNER: Final = "kubernetes.io/kube-apiserver-client"
"""Kubernetes' signer of API clients' certificates: kube-controller-manager, once the request is approved."""

# RFC 1123 subdomain (k8s.io/apimachinery pkg/util/validation/validation.go): a Node's name is one.
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

# Python accepts any text as an address's zone.
_ZONE: Final = re.compile(r"[A-Za-z0-9._-]{1,15}")

# The API server treats organizations as the user's groups, and members of these may do anything.
_ADMINISTRATORS: Final = ("system:masters", "kubeadm:cluster-admins")

# Kubernetes' own groups begin with system: (nodes, every ServiceAccount, monitoring, …), and what is bound to them is
# not meant for kube-proxy. Kubernetes the Hard Way and others use these two, to which nothing is bound.
_SYSTEM: Final = "system:"
_HARMLESS: Final = ("system:node-proxier", "system:kube-proxy")

# All users write there, or a reboot empties it, or it is the kernel's or configuration. A removal deletes the last one.
_NOT_FOR_PROGRAMS: Final = re.compile(r"/((var/)?(tmp|run)|dev|proc|sys|etc|var/lib/kube-proxy-generations[^/]*)(/|$)")


def is_host(text: str) -> bool:
    """Return whether the text is an IP address, perhaps with a network interface as its zone, or a DNS name."""
    address, percent, zone = text.partition("%")
    try:
        ip_address(address)
    except ValueError:
        # To resolvers a name that ends in a number is an address: 192.168.99.300 is a broken address, not a name.
        name = len(text) <= 253 and text.isascii() and _SUBDOMAIN.fullmatch(text.lower())
        return bool(name and not re.search(r"(^|\.)\d+$", text))
    return not percent or bool(":" in address and _ZONE.fullmatch(zone))


def _is_line(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


def _file_name(text: str) -> str:
    # Messages show a file's name, so what may be a key that was pasted in its place must be refused.
    if not _is_line(text) or "-----BEGIN" in text:
        raise UnshownError("must be a file name, not the file's content")
    return text


def _is_client_signer(text: str) -> bool:
    """Kubernetes has one signer for API clients. Names of custom ones are as in pkg/apis/certificates/validation."""
    domain, _, path = text.partition("/")
    if domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
        return text == API_CLIENT_SIGNER
    return "." in domain and all(map(_SUBDOMAIN.fullmatch, (domain, path)))


def _organizations(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError("must be one name or a list of names (e.g. k8s, or [k8s, proxies])")
    for name in names:
        if not _is_line(name):
            raise ValueError("must be one line of text")
        if len(name) > 64:
            raise ValueError("must be at most 64 characters")
        if name in _ADMINISTRATORS:
            raise ValueError("must not be a cluster administrators' group: kube-proxy needs only system:node-proxier")
        if name.startswith(_SYSTEM) and name not in _HARMLESS:
            allowed = " or ".join(_HARMLESS)
            raise ValueError(f"must not be a group of Kubernetes' own (system:…) but {allowed}: kube-proxy needs none")
    if len(set(names)) != len(names):
        raise ValueError("must name each organization once")
    return tuple(names)


Line: TypeAlias = Annotated[str, checked(_is_line, "must be one line of text")]
FileName: TypeAlias = Annotated[str, AfterValidator(_file_name)]
NodeName: TypeAlias = Annotated[
    str,
    matching(
        f"(?=.{{1,253}}$){_SUBDOMAIN.pattern}",
        "must be the Node object's name: at most 253 lower case letters, digits, '-' and '.', "
        "starting and ending with a letter or digit (e.g. k8s-node01)",
    ),
]
HostName: TypeAlias = Annotated[str, checked(is_host, "must be an IP address or a DNS name (e.g. 192.168.99.101)")]
UserName: TypeAlias = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}",
        "must be a user's name of letters, digits, '_', '.', '@' and '-' (e.g. deploy)",
    ),
]
SignerName: TypeAlias = Annotated[
    str,
    checked(_is_client_signer, f"must be {API_CLIENT_SIGNER}, or a custom signer (e.g. example.com/clients)"),
]
# As `pulumi stack ls` shows it. A state in files or a database has the organization `organization`.
StackName: TypeAlias = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){0,2}",
        "must be a stack's name, or organization/project/stack (e.g. organization/kube-proxy/pool-a)",
    ),
]
# Plain characters: the path is in a systemd unit without quotes, where % and spaces have a meaning.
DirectoryOnNode: TypeAlias = Annotated[
    str,
    matching(
        r"(?=.{1,255}$)(/(?!\.\.?(/|$))[A-Za-z0-9._-]+)+",
        "must be an absolute path of at most 255 letters, digits, '.', '_', '-' (e.g. /opt/k8s)",
    ),
]
BinaryDirectory: TypeAlias = Annotated[
    DirectoryOnNode,
    checked(
        lambda path: not _NOT_FOR_PROGRAMS.match(path),
        "must be a directory for programs (e.g. /opt/bin), not in /tmp, /var/tmp, /run, /var/run, /dev, /proc, /sys, "
        "/etc or /var/lib/kube-proxy-generations",
    ),
]

# Attributes of a certificate's subject; the upper bounds are those of RFC 5280 (appendix A.1, ub-*).
Country: TypeAlias = Annotated[str, matching(r"[A-Z]{2}", "must be two capital letters, from ISO 3166 (e.g. CN)")]
Place: TypeAlias = Annotated[Line, matching(".{1,128}", "must be at most 128 characters")]
Organizations: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_organizations)]
OrganizationalUnit: TypeAlias = Annotated[Line, matching(".{1,64}", "must be at most 64 characters")]
