#!/bin/sh
# Set up the lab's network and keep it: run in a new network namespace, as its root (development/lab/network.py).
# Arguments: the bridge's MAC address, its IP addresses with prefix lengths, `--`, the names of the nodes.
set -eu
mac=$1
shift

ip link set lo up
# Snooping off: without a querier the bridge would stop forwarding IPv6's neighbour discovery after some minutes.
ip link add lab address "$mac" type bridge mcast_snooping 0
ip link set lab up
while [ "$1" != -- ]; do
  ip address add "$1" dev lab nodad
  shift
done
shift
for node; do
  ip tuntap add "$node" mode tap
  ip link set "$node" master lab up
done

exec sleep infinity
