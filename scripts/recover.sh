# Puts back what an activation had replaced when it was cut off (power, kill), so that a node's files are of one
# generation again. Installed as /var/lib/kube-proxy-generations/recover; the unit runs it before kube-proxy starts, when
# no activation is under way, and a rollback (argument: now) runs it as its first step. May itself be cut off anywhere.
set -eu
root=${root-}
state=$root/var/lib/kube-proxy-generations
previous=$state/previous
unit=/usr/lib/systemd/system/kube-proxy.service

# The unit is replaced last, and systemd has loaded it by now: where it is the new one, so is everything else.
is_switched() {
    if grep -qx "$unit" "$previous/absent"; then
        [ -e "$root$unit" ]
    else
        [ -e "$previous/files$unit" ] && ! cmp -s "$previous/files$unit" "$root$unit"
    fi
}

put_back() {
    (cd "$previous/files" && find . -type f) | while read -r path; do
        ! cmp -s "$previous/files/$path" "$root/$path" || continue
        cp -p "$previous/files/$path" "$root/$path.new"
        sync "$root/$path.new"
        mv -f "$root/$path.new" "$root/$path"
    done
    while read -r path; do
        rm -f "$root$path"
    done <"$previous/absent"
}

[ -e "$state/activating" ] || exit 0
if [ "${1-}" != now ]; then
    exec 9>"$root/run/lock/kube-proxy-generations.lock"
    flock -n 9 || exit 0
    ! is_switched || exit 0
fi
put_back
