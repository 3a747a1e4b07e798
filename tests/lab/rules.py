"""The rules of kube-proxy in a node's kernel, found by the names that each mode uses (k8s.io/kubernetes pkg/proxy)."""

import re

from development.lab.node import Node

OF_MODE = {
    "ipvs": {"virtual server", "kube-ipvs0", "ipset", "chain", "chain of ipvs"},
    "iptables": {"chain", "chain of iptables"},
    "nftables": {"table"},
    "none": set[str](),
}
"""The rules of each mode, without anything of a handover (scripts/handover.sh); ``none`` is a node without kube-proxy."""

# The chains KUBE-KUBELET-* and KUBE-ROUTER-* and the set KUBE-DST-ABCDEF belong to others (tests/lab/foreign.py). Mode
# iptables and the kubelet both make KUBE-FIREWALL: it stays on a node with a kubelet.
_ASK = """\
exec 2>/dev/null
others='(KUBELET|ROUTER)-'
! iptables-save -t mangle | grep -q '^:KUBE-KUBELET-CANARY ' || others="$others|FIREWALL "
{ iptables-save; ip6tables-save; } | grep -E '^:KUBE-' | grep -vE "^:KUBE-($others)" >/run/chains
[ ! -s /run/chains ] || echo chain
! grep -qE '^:KUBE-(LOAD-BALANCER|NODE-PORT|IPVS-FILTER) ' /run/chains || echo chain of ipvs
! grep -qE '^:KUBE-((SVC|SEP)-|PROXY-CANARY |EXTERNAL-SERVICES )' /run/chains || echo chain of iptables
! ipvsadm -Sn | grep -q ' 10.0.0.1:443 ' || echo virtual server
! ip link show dev kube-ipvs0 >/run/link || echo kube-ipvs0
! ipset list -n | grep KUBE- | grep -vqx KUBE-DST-ABCDEF || echo ipset
! nft list tables | grep -q ' kube-proxy$' || echo table
! { nft list tables; ls /run /run/netns; systemctl list-units --all --plain 'kube-proxy-*'; } | grep -q kube-proxy-handover || echo handover
:
"""


_UNALLOCATED = "Drop traffic to unallocated ClusterIPs"


def of(node: Node) -> set[str]:
    """Returns which rules of kube-proxy are in the node's kernel, in the words of OF_MODE."""
    return set(node.run("sh", stdin=_ASK.encode()).splitlines())


def table(node: Node, name: str) -> dict[str, list[str]]:
    """Returns what an nftables table has, in both families: the lines of each chain, the sorted elements of each set and map.

    Without counts, without the clients that session affinity remembers, and without the rule for unallocated addresses:
    kube-proxy writes it once it knows the ServiceCIDRs, which may be after its first synchronization.
    """
    found: dict[str, list[str]] = {}
    for family in ("ip", "ip6"):
        listed = re.sub(r"packets \d+ bytes \d+", "", node.run(f"nft list table {family} {name}"))
        for kind, block, body in re.findall(r"^\t(\w+) (\S+) \{\n(.*?)^\t\}", listed, re.MULTILINE | re.DOTALL):
            attributes, _, elements = body.partition("elements = {")
            lines = [line.strip() for line in attributes.splitlines() if line.strip() and _UNALLOCATED not in line]
            if not block.startswith("affinity-"):
                lines += sorted(element.strip(" \t\n}") for element in elements.split(","))
            found[f"{family} {kind} {block}"] = lines
    return found
