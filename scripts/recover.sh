# Restores the files that an interrupted activation (power failure, kill) has replaced, so that all live files belong to one
# generation again. Installed as /var/lib/kube-proxy-generations/recover. The unit runs it before kube-proxy starts; during
# an activation it does nothing then. A rollback runs it first, with the argument `now`; a removal, with the argument `original`,
# restores what was there before the first generation. It may be interrupted anywhere, too.
# With the argument `handover` it removes what a change of mode has beside the live rules (handover.sh), unless a run is in progress;
# that run itself does it with `handover now`.
set -eu
root=${root-}
state=$root/var/lib/kube-proxy-generations
previous=$state/previous
# Until 2026-11-27 every node's unit was there.
read -r unit _ 2>/dev/null <"$state/paths" || unit=/usr/lib/systemd/system
unit=$unit/kube-proxy.service
handover=kube-proxy-handover

exists() { [ -e "$1" ] || [ -h "$1" ]; }

# The content of a symbolic link is its target's path.
is_same() {
    if [ -h "$1" ] || [ -h "$2" ]; then
        [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else
        cmp -s "$1" "$2" && [ "$(stat -c '%a %u %g' "$1")" = "$(stat -c '%a %u %g' "$2")" ]
    fi
}

# Whether no run is in progress. None begins before this ends.
take_lock() {
    umask 077
    exec 9>"$root/run/kube-proxy-generations.lock"
    flock -n 9
}

# The unit is replaced last, and systemd has loaded it by now: if it is the new one, so are all other files.
is_switched() {
    if grep -qx "$unit" "$previous/absent"; then
        [ -e "$root$unit" ]
    else
        exists "$previous/files$unit" && ! is_same "$previous/files$unit" "$root$unit"
    fi
}

# The kept file itself is put back, unless it is in another file system.
restore_file() {
    exists "$previous/files$1" && ! is_same "$previous/files$1" "$root$1" || return 0
    rm -f "$root$1.new"
    mkdir -p "$root${1%/*}"
    ln -P "$previous/files$1" "$root$1.new" 2>/dev/null || cp -a "$previous/files$1" "$root$1.new"
    [ -h "$root$1.new" ] || sync "$root$1.new"
    mv -f "$root$1.new" "$root$1"
    sync "$root${1%/*}"
}

# The unit comes first, so that a boot restores the rest if this is interrupted.
restore_files() {
    ! grep -qx "$unit" "$previous/absent" || rm -f "$root$unit"
    restore_file "$unit"
    (cd "$previous/files" && find . ! -type d) | while read -r path; do
        restore_file "${path#.}"
    done
    while read -r path; do
        rm -f "$root$path"
    done <"$previous/absent"
}

# The directory is made first and goes last.
clear_handover() {
    for table in ip ip6; do
        ! timeout 20 nft list tables "$table" | grep -qx "table $table $handover" || timeout 60 nft delete table "$table" "$handover"
    done
    timeout 60 systemctl stop $handover.service $handover-api.socket $handover-api.service $handover-guard.timer 2>/dev/null 9>&- || :
    [ ! -e "$root/run/netns/$handover" ] || timeout 20 ip netns delete $handover
    rm -rf "$root/run/$handover"
}

# kube-proxy's sandbox lets iptables write its lock, and nothing else in /run, so it must exist.
[ -n "${1-}" ] || [ -e "$root/run/xtables.lock" ] || (umask 077 && : >"$root/run/xtables.lock")

case ${1-} in
    original) previous=$state/original ;;
    handover)
        [ -d "$root/run/$handover" ] && { [ "${2-}" = now ] || take_lock; } || exit 0
        clear_handover
        exit
        ;;
    now) [ -e "$state/activating" ] || exit 0 ;;
    *)
        [ -e "$state/activating" ] || exit 0
        take_lock || exit 0
        ! is_switched || exit 0
        ;;
esac
restore_files
