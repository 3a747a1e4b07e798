#!/bin/sh
# Installs Debian packages, as root, without starting or enabling the services in them: the lab runs its own processes.
# Arguments: the packages, none of which is installed yet.
set -eu

policy=/usr/sbin/policy-rc.d # asked by Debian's package scripts before they start a service; 101 forbids it
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get --quiet -o DPkg::Lock::Timeout=300 update >&2
apt-get --quiet -o DPkg::Lock::Timeout=300 --yes --no-install-recommends install "$@" >&2

if command -v systemctl >/dev/null; then
  dpkg --listfiles "$@" | sed -n 's|^.*/systemd/system/\([^/@]*\.service\)$|\1|p' | while read -r service; do
    systemctl --quiet disable "$service" >&2
  done
fi
