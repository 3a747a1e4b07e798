#!/bin/sh
# Makes a node of a Debian root file system, and a disk image of it; run by mmdebstrap as root, outside the root.
# Arguments: the root file system; the directory for disk.ext4, vmlinuz and initrd.img; the disk's size.
set -eu
root=$1
images=$2
size=$3

# A node gets its addresses, its host key and the client's public key at its first boot (development/lab/first_boot.py).
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
: >"$root/etc/machine-id"

cat >"$root/etc/systemd/system/first-boot.service" <<'UNIT'
[Unit]
Description=Take the files that the lab passes
DefaultDependencies=no
Before=systemd-networkd.service ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
# A disk of user-mode Linux, or QEMU's own way.
ExecStart=/bin/sh -c 'if [ -e /dev/ubdb ]; then exec tar -C / -xf /dev/ubdb; fi; \
  modprobe qemu_fw_cfg && tar -C / -xf /sys/firmware/qemu_fw_cfg/by_name/opt/lab/first-boot.tar/raw'

[Install]
RequiredBy=systemd-networkd.service
UNIT

cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
CONF

# networkd manages every interface, as on many distributions: it removes addresses that it doesn't know.
cat >"$root/etc/systemd/network/lab.network" <<'CONF'
[Match]
Type=ether
[Network]
LinkLocalAddressing=no
CONF
# The interface of user-mode Linux gets the name of QEMU's.
printf '[Match]\nOriginalName=vec0\n[Link]\nName=enp0s1\n' >"$root/etc/systemd/network/10-enp0s1.link"
systemctl --root="$root" enable systemd-networkd.service first-boot.service
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
