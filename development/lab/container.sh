#!/bin/sh
# Runs a node as a container, in namespaces of its own for mounts and processes, from the lab's network; root only (container.py).
# Arguments: the node's name, its disk image, its control group, its MAC address and interface.
# Over the image, which all nodes share, lies the directory `own` in the current one, with what the node has written.
set -eu
name=$1 image=$2 control_group=$3 mac=$4 interface=$5
here=$(dirname "$0")

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/image /run/root work
mount -o loop,ro,noload "$image" /run/image
mount -t overlay -o lowerdir=/run/image,upperdir=own,workdir=work overlay /run/root
echo "$name" >/run/root/etc/hostname

ip netns add "$name"
ip link add "c-$name" type veth peer name "$interface" address "$mac" netns "$name"
ip link set "c-$name" master lab up
exec sh "$here/../boot_container.sh" "$name" /run/root "$control_group"
