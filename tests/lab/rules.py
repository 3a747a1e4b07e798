"""Which of kube-proxy's rules a node's kernel has, asked by each mode's own names (k8s.io/kubernetes pkg/proxy)."""

from development.lab.node import Node

OF_MODE = {
    "ipvs": {"virtual server", "kube-ipvs0", "ipset", "chain", "chain of ipvs"},
    "iptables": {"chain", "chain of iptables"},
    "nftables": {"table"},
    "none": set[str](),
}
"""What each mode has; ``none`` is a node without kube-proxy."""

# Chains of KUBE-KUBELET- and KUBE-ROUTER- are others', as is the set KUBE-DST-ABCDEF (tests/lab/foreign.py). KUBE-FIREWALL is
# made by mode iptables and by the kubelet: where there is one, it stays.
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
:
"""


def of(node: Node) -> set[str]:
    """Returns what of kube-proxy's is in the node's kernel, in the words of OF_MODE."""
    return set(node.run("sh", stdin=_ASK.encode()).splitlines())
