# Removes what the other stages have put on the node: the service, its rules and its files.
. ./common.sh
. ./virtual_servers.sh
. ./rules.sh

# The name in the stack that runs this, which may not be the one that kube-proxy was deployed as.
NODE=${REMOVED_NODE:-$NODE}

# After a rename in the stack the host already serves under the node's new name; removing the old name must change nothing.
still_ours() { [ ! -e "$state/node" ] || [ "$(cat "$state/node")" = "$NODE" ]; }

delete_files() {
    live_files | while read -r name path _; do
        rm -f "$root$path.new"
        [ "$name $BINARY_SOURCE" = "kube-proxy preinstalled" ] || rm -f "$root$path"
    done
    [ ! -e "$state/original-kube-proxy" ] || mv -f "$state/original-kube-proxy" "$binary"
    rm -rf "$state"
    rmdir "$root$K8S_DIR/kube-proxy" "$root$K8S_DIR" "$root/etc/kubernetes" 2>/dev/null || :
}

lock
trap '' HUP PIPE
if still_ours; then
    run_systemctl disable --quiet --now kube-proxy.service 2>disable.error || ! is_active || fail "kube-proxy.service must stop: $(printable <disable.error)"
    remove_rules ''
    delete_files
    run_systemctl daemon-reload
    forget_failures
    say "kube-proxy is stopped and disabled, its files and rules are removed${left:+, except $left; fix that, or reboot the node}"
else
    say "this host now serves as node $(cat "$state/node"): nothing was removed"
fi
