"""All faults that preflight finds, caused on a node at the same time.

Each is real, or a program on the node that reports it (an old kernel, an old nft).
"""

import shlex

from components.delivery import Delivery
from development.lab.node import Node

SCHEDULER, PORT = "lblcr", 10300
"""An IPVS scheduler whose module is switched off, and a port that another process holds."""

_MISSING = "ipset ipvsadm iptables flock sha256sum"

# Everything that writes to the disk comes before the disk is filled. nftables.service as installed would flush the ruleset.
_PROVOKE = f"""\
set -e
mkdir /var/tmp/faults
for program in {_MISSING}; do
    mv "$(command -v $program)" "$(command -v $program).away"
done
echo 'install ip_vs_{SCHEDULER} /bin/false' >/etc/modprobe.d/faults.conf

systemd-run -q --unit=squatter --socket-property=ListenStream=192.168.99.101:{PORT} /bin/true
cp /bin/sleep /var/tmp/faults/kube-proxy
cp /usr/bin/perl /var/tmp/faults/k3s
systemd-run -q --unit=kube-proxy-old /var/tmp/faults/kube-proxy infinity
systemd-run -q --unit=pod --slice=kubepods-besteffort.slice /var/tmp/faults/kube-proxy infinity
systemd-run -q --unit=k3s /var/tmp/faults/k3s -MSocket -e \
    'socket S, PF_INET, SOCK_STREAM, 0; bind S, sockaddr_in(10256, INADDR_LOOPBACK); listen S, 1; sleep'
systemd-run -q --unit=firewalld sleep infinity
systemd-run -q --unit=netfilter-persistent sleep infinity
cp /usr/lib/systemd/system/kube-proxy.service /etc/systemd/system/
mkdir -p /run/systemd/system/nftables.service.d
printf '[Service]\\nExecStart=\\nExecStart=true\\nExecStop=\\n' >/run/systemd/system/nftables.service.d/faults.conf
systemctl daemon-reload
systemctl start nftables
modprobe ip_vs_rr
ip address add 10.99.0.1/32 dev lo
$(command -v ipvsadm.away) -A -t 10.99.0.1:80 -s rr
ip link add cni0 type bridge
sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=1
modprobe br_netfilter # rules of kube-proxy in mode ipvs may have loaded it (xt_physdev)
sysctl -q -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0

cat >/var/tmp/faults/uname <<'END'
#!/bin/sh
case $1 in -m) echo x86_64 ;; *) echo 4.18.0-553.el8 ;; esac
END
cat >/var/tmp/faults/nft <<'END'
#!/bin/sh
echo 'nftables v0.9.8 (E.D.S.)'
END
cat >/var/tmp/faults/systemctl <<'END'
#!/bin/sh
case $1 in
    --version) echo 'systemd 219' ;;
    show) /var/tmp/faults/systemctl.own "$@" | grep -v '^NRestarts=' ;;
    *) exec /var/tmp/faults/systemctl.own "$@" ;;
esac
END
cp /usr/bin/systemctl /var/tmp/faults/systemctl.own
chmod 755 /var/tmp/faults/uname /var/tmp/faults/nft /var/tmp/faults/systemctl
for program in /usr/bin/uname /usr/sbin/nft /usr/bin/systemctl; do
    mount --bind /var/tmp/faults/${{program##*/}} $program
done
for directory in /usr/local/bin /usr/lib/systemd/system; do
    mount --bind $directory $directory
    mount -o remount,bind,ro $directory
done
fallocate -l $(df --output=avail -B1 / | tail -n 1) /var/tmp/faults/fill
date -s '1 hour'
"""
_MEND = f"""\
date -s '1 hour ago'
rm /var/tmp/faults/fill
umount /usr/local/bin /usr/lib/systemd/system /usr/bin/uname /usr/sbin/nft /usr/bin/systemctl
for program in {_MISSING}; do
    mv "$(command -v $program.away)" "$(command -v $program.away | sed 's/[.]away$//')"
done
rm /etc/modprobe.d/faults.conf
systemctl stop squatter.socket kube-proxy-old pod k3s firewalld netfilter-persistent nftables
rm -r /run/systemd/system/nftables.service.d /etc/systemd/system/kube-proxy.service
systemctl daemon-reload
ipvsadm -D -t 10.99.0.1:80
ip address delete 10.99.0.1/32 dev lo
ip link delete cni0
sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.disable_ipv6=0
sysctl -q -w net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
networkctl reconfigure enp0s1 # its IPv6 address went with the protocol
rm -r /var/tmp/faults
"""


def provoke(node: Node) -> None:
    """Causes all faults."""
    node.run("sh", stdin=_PROVOKE.encode())


def mend(node: Node) -> None:
    """Removes all faults."""
    node.run("sh", stdin=_MEND.encode())


def preflight(node: Node, before: str = ":", **parameters: str) -> list[str]:
    """Runs the stage alone, from a delivery, and returns its messages without the prefix.

    The shell commands `before` run in the stage's own mount namespace: they can hide files from it alone.
    """
    defaults = {
        "NODE": node.name,
        "SERVER": "https://192.168.99.100:8443",
        "TLS_SERVER_NAME": "",
        "PROXY_URL": "",
        "MODE": "nftables",
        "KERNEL_MODULES": "nf_conntrack nf_tables",
        "HEALTHZ": f"{node.worker.address}:10256",
        "METRICS": f"{node.worker.address}:10249",
        "FAMILIES": "IPv4 IPv6",
        "MASQUERADED_FAMILIES": "IPv4 IPv6",
        "VERSION": "1.36.2",
        "BINARY_SOURCE": "preinstalled",
        "BINARY_SHA256": "",
        "BINARY_KIB": "0",
        "K8S_DIR": "/opt/k8s",
        "UNIT_DIRECTORY": "/usr/lib/systemd/system",
        "BINARY_DIRECTORY": "/usr/local/bin",
        "REMOVE_FOREIGN_VIRTUAL_SERVERS": "false",
        "STACK": "organization/kube-proxy/dev",
        "TAKE_OVER": "false",
        "HANDOVER": "true",
        "DRAIN": "0",
        "EXCLUDE_CIDRS": "",
    }
    script = f'{before}\nd=$(mktemp -d)\ntar -xzf - -C "$d"\ncd "$d"\nsh ./preflight.sh\nrm -r "$d"'
    archive = Delivery(defaults | parameters, {}).archive()
    messages = node.run(f"unshare -m sh -c {shlex.quote(script)} 2>&1; :", stdin=archive)
    return [line.removeprefix(f"{node.name}: preflight: ") for line in messages.splitlines()]
