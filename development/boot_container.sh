#!/bin/sh
# Boots a root file system as a container with systemd, and becomes it. For nodes of the lab and the benchmark; root only, in
# namespaces of the caller's for mounts and processes, with a /run of its own.
# Arguments: the node's name, which is also that of its network namespace (ip-netns); its root; its control group.
set -eu
name=$1 root=$2 control_group=$3

# It can't load modules. The machine's kernel has them or loads them on demand.
printf '#!/bin/sh\nexit 0\n' >"$root/usr/local/sbin/modprobe"
chmod 755 "$root/usr/local/sbin/modprobe"

# As on most nodes: one control group hierarchy, even where this machine has several, and network settings that can be written.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
mkdir -p "$control_group"
echo 0 >"$control_group/cgroup.procs"
# Its /sys shows the interfaces of the namespace in which systemd-nspawn starts.
exec nsenter --net="/run/netns/$name" systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --resolv-conf=off \
  --timezone=off --link-journal=no --capability=CAP_NET_ADMIN --directory="$root" --machine="$name" \
  --network-namespace-path="/run/netns/$name"
