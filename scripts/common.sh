# What every stage shares: names of things on the node, messages, the lock.
# A stage is started in the directory of its payload (components/remote_script.py): parameters, these scripts, files/.
# $root is empty on a node; tests set it to a temporary directory.

set -eu
umask 022
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
root=${root-}
# shellcheck source=/dev/null
. ./parameters
STAGE=${0##*/}
STAGE=${STAGE%.sh}

state=$root/var/lib/kube-proxy-generations
binary=$root/usr/local/bin/kube-proxy

# The files of a generation: name, path on the node, octal mode. The unit is last (recover.sh).
live_files() {
    cat <<EOF
modules /etc/modules-load.d/kube-proxy.conf 644
kube-ipvs0.network /etc/systemd/network/00-kube-ipvs0.network 644
kube-proxy.kubeconfig /etc/kubernetes/kube-proxy.kubeconfig 600
kube-proxy-config.yaml /etc/kubernetes/kube-proxy-config.yaml 644
kube-proxy.conf /etc/kubernetes/kube-proxy.conf 644
kube-proxy /usr/local/bin/kube-proxy 755
kube-proxy.service /usr/lib/systemd/system/kube-proxy.service 644
EOF
}

# The operator may be gone: a message that nobody reads must not end a stage half-way.
say() { printf '%s: %s: %s\n' "$NODE" "$STAGE" "$*" >&2 || :; }

fail() {
    say "$*"
    exit 1
}

# Two runs never interleave on a node. The kernel drops the lock with the process, so a dead run leaves none behind.
lock() {
    mkdir -p "$root/run/lock"
    exec 9>"$root/run/lock/kube-proxy-generations.lock"
    flock -w 120 9 || fail "another deployment has held the lock on this node for 120 s; wait until it ends, then run pulumi up again"
}

# Standard input becomes a file's whole content, or the file stays as it was: after a power cut too.
replace_file() {
    cat >"$1.new"
    sync "$1.new"
    mv -f "$1.new" "$1"
}

# Seconds since boot: unlike the clock it never jumps.
now() {
    read -r uptime _ </proc/uptime
    printf '%s\n' "${uptime%.*}"
}

# Long or non-printable lines would hang or break the connection that carries them.
printable() { tr -cd '\11\12\40-\176' | cut -c1-500; }

service_property() { timeout 20 systemctl show --value -p "$1" kube-proxy.service 2>/dev/null || :; }
is_active() { [ "$(service_property ActiveState)" = active ]; }
is_enabled() { timeout 20 systemctl is-enabled --quiet kube-proxy.service 2>/dev/null; }
run_systemctl() { timeout 120 systemctl "$@" 9>&-; }
forget_failures() { systemctl reset-failed kube-proxy.service 2>/dev/null || :; }

restart_unit() {
    forget_failures
    run_systemctl restart kube-proxy.service
}

architecture() {
    case $(uname -m) in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) uname -m ;;
    esac
}

# The pinned digest of the binary for this node's architecture; empty where none is given.
pinned_sha256() {
    for pin in $BINARY_SHA256; do
        case $pin in "$(architecture)="*) printf '%s\n' "${pin#*=}" ;; esac
    done
}

# kube-proxy --version prints "Kubernetes v1.36.2".
version_of() { timeout 60 "$1" --version 2>/dev/null | sed -n 's/^Kubernetes v//p'; }
