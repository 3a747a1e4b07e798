"""Names as they are written in a stack's configuration.

Each function returns its text unchanged or raises ValueError.
"""

import re
from ipaddress import ip_address

API_CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
"""Kubernetes' signer of API clients' certificates: kube-controller-manager, when somebody has approved the request."""

# RFC 1123 subdomain, as k8s.io/apimachinery pkg/util/validation/validation.go has it: a Node's name is one.
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def line(text: str) -> str:
    """Accept text that is not empty and stays on one line."""
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of text")
    return text


def file_name(text: str) -> str:
    """Accept a file's name, not the text of a key or a certificate: messages show the name."""
    if not text.strip() or not text.isprintable() or "-----BEGIN" in text:
        raise ValueError("must be the name of a file, not what is in it")
    return text


def node_name(text: str) -> str:
    """Accept the name of a Node object."""
    if len(text) > 253 or not _SUBDOMAIN.fullmatch(text):
        raise ValueError(
            "must be the Node object's name: at most 253 lower case letters, digits, '-' and '.', "
            "first and last a letter or digit (e.g. k8s-node01)"
        )
    return text


def signer_name(text: str) -> str:
    """Accept a signer that may issue a client's certificate for the user system:kube-proxy.

    Of Kubernetes' own only one does; others' are named as the API wants it (pkg/apis/certificates/validation).
    """
    domain, _, path = text.partition("/")
    ours = domain == "kubernetes.io" or domain.endswith(".kubernetes.io")
    if (ours and text != API_CLIENT_SIGNER) or "." not in domain or not all(map(_SUBDOMAIN.fullmatch, (domain, path))):
        raise ValueError(f"must be {API_CLIENT_SIGNER}, or a signer of somebody else's (e.g. example.com/clients)")
    return text


def host_name(text: str) -> str:
    """Accept an IP address or a DNS name."""
    try:
        ip_address(text)
    except ValueError:
        # What ends in a number is an address to every resolver, so 192.168.99.300 is a broken address, not a name.
        if len(text) > 253 or not _SUBDOMAIN.fullmatch(text.lower()) or re.search(r"(^|\.)\d+$", text):
            raise ValueError("must be an IP address or a DNS name (e.g. 192.168.99.101)") from None
    return text


def directory_on_node(text: str) -> str:
    """Accept an absolute path of plain characters: it stands unquoted in a unit, where % and spaces mean something."""
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", text) or re.search(r"/\.\.?(/|$)", text):
        raise ValueError("must be an absolute path of letters, digits, '.', '_', '-' (e.g. /opt/k8s)")
    return text
