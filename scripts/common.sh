# What all stages share: paths, messages, the lock, questions about the node.
#
# Conventions. The scripts are POSIX sh and must run in dash and in busybox sh.
# - A stage runs in a copy of its delivery, in memory (run.sh): `parameters`, these scripts, files/. Names without a
#   directory (answer, metrics, changed.list) are scratch files there. $root is empty on a node; tests set it.
# - All variables are global, since sh has no local ones. Upper-case ones are parameters (components/parameters.py), and
#   $DELIVERY, the delivery's directory. Return values, which their functions announce ("sets $reason"), are in common those of
#   read_unit_state, $other_unit, $hiding_unit, $release, $reason; in kubernetes_api $api_server, $api_url, $statuses; in kubernetes_service
#   $service, $service_address, $family, $endpoints; in proof $running_version, $checked_process, $reason; in rules $removed, $left; in handover $switch;
#   in namespace $reason, $relay_host, $relay_port; in binary $staged_binary. rollback uses $restart_files, $restarted and changed.list of
#   activate. Any other variable means nothing outside of the function that assigns it.
# - Standard output is data for components/. `say` writes a message to stderr, `fail` writes one and ends the stage.
#   check_* (preflight) report each `problem` and go on; verify_* (stage) fail; is_* and has_* only answer.
# - `set -e` is off in everything that is called in a condition or on the left of && or ||: so in all that
#   `prove_serving || abort_activation` runs. There each command whose failure matters needs its own `|| return 1`.
# - A file on the node is replaced as NAME.new, synced, then renamed. Whatever may be cut off there, by a power failure
#   too, must leave the old file or the new one.
# - Descriptor 9 is the lock. A process that can outlive the stage must not inherit it (9>&-).
# - Whatever can hang has a limit: `timeout`, curl's --max-time, flock -w; systemctl has its own 25 s for a question.

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
binary=$root$BINARY_DIRECTORY/kube-proxy
own_unit=$root$UNIT_DIRECTORY/kube-proxy.service
live_kubeconfig=$root/etc/kubernetes/kube-proxy.kubeconfig
live_configuration=$root/etc/kubernetes/kube-proxy-config.yaml

# The files of a generation: name, path on the node, octal mode. The unit must be the last (recover.sh).
live_files() {
    printf '%s\n' \
        'modules /etc/modules-load.d/kube-proxy.conf 644' \
        'kube-ipvs0.network /etc/systemd/network/00-kube-ipvs0.network 644' \
        'kube-proxy.kubeconfig /etc/kubernetes/kube-proxy.kubeconfig 600' \
        'kube-proxy-config.yaml /etc/kubernetes/kube-proxy-config.yaml 644' \
        'kube-proxy.conf /etc/kubernetes/kube-proxy.conf 644' \
        "kube-proxy $BINARY_DIRECTORY/kube-proxy 755" \
        "kube-proxy.service $UNIT_DIRECTORY/kube-proxy.service 644"
}

# The connection may be gone; a failed write to stderr must not abort the stage.
say() { printf '%s: %s: %s\n' "$NODE" "$STAGE" "$*" >&2 || :; }

fail() {
    say "$*"
    touch failed 2>/dev/null || :
    exit 1
}

# Two runs never interleave on a node. The kernel drops the lock with the process, so a dead run leaves none behind. The file
# is root's alone, and not in /run/lock: any user can hold the lock of a file that they can open.
lock() {
    umask 077
    exec 9>"$root/run/kube-proxy-generations.lock"
    umask 022
    flock -w 120 9 || fail "another deployment has held the lock on this node for 120 s; wait until it ends, then run pulumi up again"
}

# Seconds since boot. Unlike the clock, they never jump.
now() {
    read -r uptime _ </proc/uptime
    printf '%s\n' "${uptime%.*}"
}

# Long lines and unprintable characters would hang or break the connection that carries them.
printable() { tr -cd '\11\12\40-\176' | cut -c1-500; }

# Sets $active, $enabled, $restarts, $pid, $needs_reload, $unit_file and $drop_ins; they are empty if systemd doesn't
# answer. $unit_file is the one that systemd uses, which may be hidden by ours or hide it.
read_unit_state() {
    active='' enabled='' restarts='' pid='' needs_reload='' unit_file='' drop_ins=''
    systemctl show -p ActiveState,UnitFileState,NRestarts,MainPID,NeedDaemonReload,FragmentPath,DropInPaths \
        kube-proxy.service >unit 2>/dev/null || :
    while IFS='=' read -r property value; do
        case $property in
            ActiveState) active=$value ;;
            UnitFileState) enabled=$value ;;
            NRestarts) restarts=$value ;;
            MainPID) pid=$value ;;
            NeedDaemonReload) needs_reload=$value ;;
            FragmentPath) unit_file=$value ;;
            DropInPaths) drop_ins=$value ;;
        esac
    done <unit
}

# Some modules are part of the kernel, and some kernels have modules loaded that modprobe doesn't know.
has_module() { [ -d "$root/sys/module/$1" ] || grep -qs "/$1\.ko" "$root/lib/modules/${release:=$(uname -r)}/modules.builtin"; }

exists() { [ -e "$1" ] || [ -h "$1" ]; }

# Whether unit and binary are in the stack's directories, if they are on this node. Until 2026-11-27 a stack couldn't choose them.
has_its_directories() {
    read -r deployed 2>/dev/null <"$state/paths" || {
        [ -e "$state/live" ] || [ -e "$state/activating" ] || return 0
        deployed='/usr/lib/systemd/system /usr/local/bin'
    }
    reason="unitDirectory and binaryDirectory must be those that this node was deployed with, ${deployed% *} and ${deployed#* }, are $UNIT_DIRECTORY and $BINARY_DIRECTORY: set them back in kube-proxy:service, or remove the node from its stack first (docs/operations.md)"
    [ "$deployed" = "$UNIT_DIRECTORY $BINARY_DIRECTORY" ]
}

is_not_masked() {
    reason='kube-proxy.service must not be masked: run systemctl unmask kube-proxy.service'
    case $enabled in masked*) return 1 ;; esac
}

# The file that systemd shows for an alias is the other unit's: nothing of ours could take its place.
is_no_alias() {
    reason="kube-proxy.service must be a unit of its own, is an alias of $unit_file: remove the alias (a link of that name in /etc/systemd/system), and run systemctl disable --now ${unit_file##*/} just before the next pulumi up"
    case $unit_file in '' | */kube-proxy.service) ;; *) return 1 ;; esac
}

# Sets $other_unit to the unit that systemd uses in place of ours, and $hiding_unit too if it comes before ours (systemd.unit(5)).
find_other_unit() {
    other_unit='' hiding_unit=''
    [ -z "$unit_file" ] || uses_own_unit || other_unit=$unit_file
    case "$UNIT_DIRECTORY $other_unit" in
        '/etc/systemd/system '/usr/* | '/etc/systemd/system '/lib/* | '/etc/systemd/system '/run/systemd/system/*) ;;
        *) hiding_unit=$other_unit ;;
    esac
    # Before version 246, systemd shows the file that a linked unit leads to (systemctl link). What hides ours is the link.
    link=/etc/systemd/system/kube-proxy.service
    [ -z "$hiding_unit" ] || [ "$(readlink -f "$root$link")" != "$(readlink -f "$root$hiding_unit")" ] || hiding_unit=$link
}

# Says that systemd uses another unit than ours, $unit_file, and how the stack takes it over.
hidden_message() { printf '%s' "systemd must use ${own_unit#"$root"} for kube-proxy.service, uses $unit_file: to let this program take it over, set takeOver: true in kube-proxy:rollout (the file is kept, and comes back on removal)"; }

# The same file may have another path: /lib is a link to /usr/lib.
uses_own_unit() {
    # shellcheck disable=SC3013 # dash and busybox have -ef
    [ "$unit_file" = "${own_unit#"$root"}" ] ||
        { [ "${unit_file##*/}" = kube-proxy.service ] && [ "$root${unit_file%/*}" -ef "$root$UNIT_DIRECTORY" ]; } ||
        [ "$(readlink -f "$root$unit_file")" = "$(readlink -f "$own_unit")" ]
}
is_active() { read_unit_state && [ "$active" = active ]; }
# For a call that changes something: the process that read_unit_state has found may be another one now.
run_systemctl() { pid='' && timeout 120 systemctl "$@" 9>&-; }
forget_failures() { run_systemctl reset-failed kube-proxy.service 2>/dev/null || :; }

# systemd refuses to start a unit that has been started five times in 10 s.
restart_unit() { run_systemctl restart kube-proxy.service 2>/dev/null || { forget_failures && run_systemctl restart kube-proxy.service; }; }

# remove_made_directories KEPT: those that the activation has made whose previous files are in KEPT (rollback.sh), if they are empty.
remove_made_directories() {
    while read -r directory; do rmdir "$root$directory" 2>/dev/null || :; done 2>/dev/null <"$1/made" || :
}

architecture() {
    case $(uname -m) in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) uname -m ;;
    esac
}

# The binary's pinned SHA-256 for this node's architecture; empty if the stack has none.
pinned_sha256() {
    for pin in $BINARY_SHA256; do
        case $pin in "$(architecture)="*) printf '%s\n' "${pin#*=}" ;; esac
    done
}

# kube-proxy --version prints "Kubernetes v1.36.2".
version_of() { timeout 60 "$1" --version 2>/dev/null | sed -n 's/^Kubernetes v//p'; }
