# Takes away what the other stages put on the node: the service, its rules, its files.
# shellcheck source=common.sh
. ./common.sh

# A node that was renamed in the stack: its new name already serves here, so there is nothing to take away.
still_ours() { [ ! -e "$state/node" ] || [ "$(cat "$state/node")" = "$NODE" ]; }

# The first run may meet chains and sets that still refer to each other; then it fails ("encountered an error while
# tearing down rules") and the second finds them free.
clean_up() { timeout 60 "$binary" --cleanup >cleanup 2>&1; }

# Stopping kube-proxy leaves its rules in place; kube-proxy itself knows how to take them away, in every mode.
# Leaves in $rules what can be said of them.
clean_rules() {
    rules="its rules are gone"
    if [ ! -x "$binary" ]; then
        rules="its rules may be left, since $binary is not there to take them away: reboot the node"
    elif ! clean_up && ! clean_up; then
        rules="its rules may be left, kube-proxy --cleanup says: $(printable <cleanup | tail -n 2); reboot the node"
    fi
    # It leaves the empty sets of the IP family that it didn't use.
    command -v ipset >/dev/null || return 0
    ipset list -n | grep '^KUBE-' | while read -r set; do
        ipset destroy "$set" 2>/dev/null || say "the ipset $set is in use and stays"
    done
}

delete_files() {
    live_files >files.list
    while read -r name path _; do
        rm -f "$path.new"
        case "$name $BINARY_SOURCE" in "kube-proxy preinstalled") ;; *) rm -f "$path" ;; esac
    done <files.list
    [ ! -e "$state/original-kube-proxy" ] || mv -f "$state/original-kube-proxy" "$binary"
    rm -f "$modules_load"
    rm -rf "$state"
    rmdir "$root$K8S_DIR/kube-proxy" "$root$K8S_DIR" "$root/etc/kubernetes" 2>/dev/null || :
}

lock
trap '' HUP PIPE
if still_ours; then
    control disable --quiet --now kube-proxy.service 2>disable.error || ! is_active || fail "kube-proxy.service must stop: $(printable <disable.error)"
    clean_rules
    delete_files
    control daemon-reload
    systemctl reset-failed kube-proxy.service 2>/dev/null || :
    say "kube-proxy is stopped and disabled, its files are gone, $rules"
else
    say "this host is now $(cat "$state/node"): left as it is"
fi
