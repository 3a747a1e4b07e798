#!/bin/sh
# Makes a node of a Debian root file system, and a disk image of it; run by mmdebstrap as root, outside the root.
# Arguments: the root file system; the directory for disk.ext4, vmlinuz and initrd.img; the disk's size.
set -eu
root=$1
images=$2
size=$3

# A node gets its own host key, the client's public key and its name at its first start (see development/lab/node.py).
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
: >"$root/etc/machine-id"

cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
CONF

# A node's addresses are kernel parameters (development/lab/qemu.py). networkd manages every other interface too, as on
# many distributions: it removes addresses that it doesn't know.
cat >"$root/etc/systemd/network/lab.network" <<'CONF'
[Match]
Type=ether
[Network]
LinkLocalAddressing=no
CONF
systemctl --root="$root" enable systemd-networkd.service systemd-network-generator.service
echo 'net.ipv4.ip_forward = 1' >"$root/etc/sysctl.d/lab.conf" # as every node has it: pods and clients go through it

# A node's work and its timing must not depend on when Debian's housekeeping happens to run.
systemctl --root="$root" mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service

# Only what a node boots from: an emulated processor takes seconds to unpack the modules for any machine.
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk crc32c_generic ext4 >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u

cat "$root"/boot/vmlinuz-* >"$images/vmlinuz"
cat "$root"/boot/initrd.img-* >"$images/initrd.img"
# mmdebstrap has /proc and /sys mounted in the root; a bind mount shows the root without them, and is gone with its namespace.
# shellcheck disable=SC2016 # the inner shell expands them
unshare --mount sh -euc 'mount --bind "$1" /mnt; mke2fs -q -F -t ext4 -L root -d /mnt "$2" "$3"' \
  sh "$root" "$images/disk.ext4" "$size"
