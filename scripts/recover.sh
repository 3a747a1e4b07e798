# Restores the files that an interrupted activation (power failure, kill) has replaced, so that all live files belong to one
# generation again. Installed as /var/lib/kube-proxy-generations/recover. The unit runs it before kube-proxy starts; during
# an activation it does nothing then. A rollback runs it first, with the argument `now`. It may be interrupted anywhere, too.
set -eu
root=${root-}
state=$root/var/lib/kube-proxy-generations
previous=$state/previous
unit=/usr/lib/systemd/system/kube-proxy.service

# The unit is replaced last, and systemd has loaded it by now: if it is the new one, so are all other files.
is_switched() {
    if grep -qx "$unit" "$previous/absent"; then
        [ -e "$root$unit" ]
    else
        [ -e "$previous/files$unit" ] && ! cmp -s "$previous/files$unit" "$root$unit"
    fi
}

restore_file() {
    [ -e "$previous/files$1" ] && ! cmp -s "$previous/files$1" "$root$1" || return 0
    cp -p "$previous/files$1" "$root$1.new"
    sync "$root$1.new"
    mv -f "$root$1.new" "$root$1"
    sync "$root${1%/*}"
}

# The unit comes first, so that a boot restores the rest if this is interrupted.
restore_files() {
    ! grep -qx "$unit" "$previous/absent" || rm -f "$root$unit"
    restore_file "$unit"
    (cd "$previous/files" && find . -type f) | while read -r path; do
        restore_file "${path#.}"
    done
    while read -r path; do
        rm -f "$root$path"
    done <"$previous/absent"
}

[ -e "$state/activating" ] || exit 0
if [ "${1-}" != now ]; then
    umask 077
    exec 9>"$root/run/kube-proxy-generations.lock"
    flock -n 9 || exit 0
    ! is_switched || exit 0
fi
restore_files
