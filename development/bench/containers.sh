#!/bin/sh
# Boots containers with systemd and sshd, as nodes; root only, in a world of its own (world.py), which cleans up. They share a
# read-only root. Over it lies a layer with what all nodes have, and one of each node's own, in memory. Each has a network
# namespace with `eth0` on the bridge `bench`, as the guide names it.
# Arguments: the root, kube-proxy, the directory of the SSH keys, the control group for the nodes, the gateway, then the
# name and address of each node.
set -eu
root=$1 kube_proxy=$2 keys=$3 control_group=$4 gateway=$5
shift 5
all=/run/all-nodes
here=$(dirname "$0")

write() {
  mkdir -p "$all/${1%/*}"
  cat >"$all/$1"
}

mkdir -p "$all/root/.ssh"
chmod 700 "$all/root" "$all/root/.ssh"
write etc/machine-id </dev/null
write etc/resolv.conf </dev/null # a resolver that can't be reached costs Ansible ten seconds a node
write root/.ssh/authorized_keys <"$keys/id_ed25519.pub"
write etc/ssh/ssh_host_ed25519_key <"$keys/ssh_host_ed25519_key"
chmod 600 "$all/etc/ssh/ssh_host_ed25519_key"
echo 'SSHD_OPTS="-E /var/log/sshd.log"' | write etc/default/ssh
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n' | write etc/ssh/sshd_config.d/bench.conf
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' | write etc/systemd/journald.conf.d/bench.conf
echo 'net.ipv4.ip_forward = 1' | write etc/sysctl.d/bench.conf
write usr/local/bin/kube-proxy <"$kube_proxy"
chmod 755 "$all/usr/local/bin/kube-proxy"
mkdir -p "$all/etc/kubernetes" "$all/etc/systemd/system"
# Debian's housekeeping, whose time must not depend on when it happens to run, and consoles.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer e2scrub_reap.service \
  systemd-tmpfiles-clean.timer getty.target console-getty.service; do
  ln -s /dev/null "$all/etc/systemd/system/$unit"
done

while [ $# -gt 0 ]; do
  name=$1 address=$2 node=/run/nodes/$1
  shift 2
  mkdir -p "$node/root" "$node/work" "$node/own/etc"
  echo "$name" >"$node/own/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >"$node/own/etc/hosts"
  mount -t overlay -o "lowerdir=$all:$root,upperdir=$node/own,workdir=$node/work" overlay "$node/root"

  ip netns add "$name"
  ip link add "$name" type veth peer name eth0 netns "$name"
  ip link set "$name" master bench up
  printf '%s\n' "address add $address/24 dev eth0" 'link set lo up' 'link set eth0 up' "route add default via $gateway" |
    ip -n "$name" -batch -

  sh "$here/../boot_container.sh" "$name" "$node/root" "$control_group/$name" </dev/null >"$node/console" 2>&1 &
done
