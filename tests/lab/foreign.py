"""Objects of other programs on a node, named as close to kube-proxy's as possible: a deployment must keep each of them."""

from development.lab.node import Node

EXCLUDED = "10.99.0.0/24"
"""For ``ipvs.excludeCIDRs``: in mode ipvs kube-proxy removes virtual servers of others outside of these networks."""

# The address is on lo: the lab's networkd removes addresses from every interface of type ether.
_ADD = """\
set -e
iptables -t nat -N KUBE-ROUTER-TEST
iptables -t nat -A POSTROUTING -j KUBE-ROUTER-TEST -m comment --comment 'another "owner"'
iptables -N FOREIGN
iptables -A FOREIGN -s 1.2.3.4 -j DROP
iptables -A INPUT -j FOREIGN
ip6tables -N FOREIGN6
ip6tables -A INPUT -j FOREIGN6
iptables -t mangle -N KUBE-KUBELET-CANARY
ipset create foreign hash:ip
ipset create KUBE-DST-ABCDEF hash:ip
nft add table inet foreign
ip link add foreign0 type dummy
ip address add 10.99.0.1/32 dev lo
"""
_ADD_VIRTUAL_SERVERS = """\
set -e
modprobe ip_vs_wlc
ipvsadm -A -t 10.99.0.1:80 -s rr
ipvsadm -a -t 10.99.0.1:80 -r 192.168.99.121:6443 -m
ipvsadm -A -f 7 -s wlc
"""
_REMOVE = """\
iptables -t nat -D POSTROUTING -j KUBE-ROUTER-TEST -m comment --comment 'another "owner"'
iptables -t nat -X KUBE-ROUTER-TEST
iptables -D INPUT -j FOREIGN
iptables -F FOREIGN
iptables -X FOREIGN
ip6tables -D INPUT -j FOREIGN6
ip6tables -X FOREIGN6
iptables -t mangle -X KUBE-KUBELET-CANARY
ipset destroy foreign
ipset destroy KUBE-DST-ABCDEF
nft delete table inet foreign
ip link delete foreign0
ip address delete 10.99.0.1/32 dev lo
ipvsadm -D -t 10.99.0.1:80
ipvsadm -D -f 7
:
"""
_LIST = """\
iptables-save | grep -e FOREIGN -e KUBE-ROUTER -e KUBE-KUBELET
ip6tables-save | grep FOREIGN
ipset list -n | grep -e foreign -e DST
nft list tables | grep foreign
ip -o link show dev foreign0 | grep -o foreign0
ip -o address show dev lo | grep -o 10.99.0.1/32
:
"""


def add(node: Node) -> None:
    """Adds all objects except the virtual servers."""
    node.run("sh", stdin=_ADD.encode())


def add_virtual_servers(node: Node) -> None:
    """Adds a virtual server with an address, and one with a firewall mark."""
    node.run("sh", stdin=_ADD_VIRTUAL_SERVERS.encode())


def remove(node: Node) -> None:
    """Removes what is left of all objects."""
    node.run("sh 2>/dev/null", stdin=_REMOVE.encode())


def objects(node: Node) -> list[str]:
    """Returns the objects that are there, except the virtual servers."""
    listed = node.run("sh 2>/dev/null", stdin=_LIST.encode()).splitlines()
    return sorted(line.partition(" [")[0] for line in listed)  # without counters


def virtual_servers(node: Node) -> list[str]:
    """Returns the virtual servers that are there."""
    return [line for line in node.run("ipvsadm -Sn").splitlines() if " 10.99.0.1:80 " in line or " -f 7 " in line]
