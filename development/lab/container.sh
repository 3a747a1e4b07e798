#!/bin/sh
# Runs a node as a container with systemd, in namespaces of its own for mounts and processes; root only (container.py).
# Arguments: the node's name, its disk image, its directory, its control group, its MAC address and interface.
# Over the image, which all nodes share, lies the directory `own` with what the node has written.
set -eu
name=$1 image=$2 directory=$3 control_group=$4 mac=$5 interface=$6

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/image /run/root "$directory/work" "$control_group"
mount -o loop,ro,noload "$image" /run/image
mount -t overlay -o "lowerdir=/run/image,upperdir=$directory/own,workdir=$directory/work" overlay /run/root
echo "$name" >/run/root/etc/hostname
# It can't load modules. The machine's kernel has them or loads them on demand.
printf '#!/bin/sh\nexit 0\n' >/run/root/usr/local/sbin/modprobe
chmod 755 /run/root/usr/local/sbin/modprobe

ip netns add "$name"
ip link add "c-$name" type veth peer name "$interface" address "$mac" netns "$name"
ip link set "c-$name" master lab up

# As on most nodes: one control group hierarchy, even where this machine has several, and network settings that can be written.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
echo 0 >"$control_group/cgroup.procs"
# Its /sys shows the interfaces of the namespace in which systemd-nspawn starts.
exec nsenter --net="/run/netns/$name" systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --resolv-conf=off \
  --timezone=off --link-journal=no --capability=CAP_NET_ADMIN --directory=/run/root --machine="$name" \
  --network-namespace-path="/run/netns/$name"
