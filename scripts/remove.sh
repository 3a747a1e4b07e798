# Removes what the other stages have put on the node: the service, its rules and its files.
. ./common.sh
. ./virtual_servers.sh
. ./rules.sh
. ./handover.sh

# The name in the stack that runs this, which may not be the one that kube-proxy was deployed as.
NODE=${REMOVED_NODE:-$NODE}

# After a rename in the stack the host already serves under the node's new name; removing the old name must change nothing.
still_ours() { is_ours_by node "$NODE" && is_ours_by stack "${REMOVED_STACK:-$STACK}"; }
is_ours_by() { [ ! -e "$state/$1" ] || [ "$(cat "$state/$1")" = "$2" ]; }

# Files and directories that were there before the first generation come back or stay. Until 2026-11-26 only the binary was kept.
delete_files() {
    [ "$BINARY_SOURCE" != preinstalled ] || rm -f "$original/files${binary#"$root"}"
    live_files | while read -r name path _; do
        rm -f "$root$path.new"
        [ "$name $BINARY_SOURCE" = "kube-proxy preinstalled" ] || exists "$original/files$path" || rm -f "$root$path"
    done
    if [ -e "$original" ]; then sh ./recover.sh original; fi
    [ ! -e "$state/original-kube-proxy" ] || mv -f "$state/original-kube-proxy" "$binary"
    for directory in "$K8S_DIR/kube-proxy" "$K8S_DIR" /etc/kubernetes; do
        grep -qsx "$directory" "$original/directories" || rmdir "$root$directory" 2>/dev/null || :
    done
    remove_made_directories "$original"
}

# The kube-proxy.service that was there before the first generation goes on as it was found.
resume_original() {
    was=$(cat "$original/was" 2>/dev/null || :)
    case $was in
        *enabled=yes)
            run_systemctl enable --quiet kube-proxy.service
            # It makes all links of [Install], of which some may not have been there.
            sh ./recover.sh original
            ;;
    esac
    case $was in
        active=yes*)
            run_systemctl start kube-proxy.service || fail "kube-proxy.service, as it was before the first deployment, must start again: see journalctl -u kube-proxy"
            say "the kube-proxy from before the first deployment runs again"
            ;;
    esac
}

original=$state/original
lock
trap '' HUP PIPE
if still_ours; then
    run_systemctl disable --quiet --now kube-proxy.service 2>disable.error || ! is_active || fail "kube-proxy.service must stop: $(printable <disable.error)"
    remove_rules ''
    delete_files
    run_systemctl daemon-reload
    forget_failures
    resume_original
    # Without its name the state means nothing, even if its deletion is cut off.
    rm -rf "$state.removed"
    [ ! -e "$state" ] || mv "$state" "$state.removed"
    rm -rf "$state.removed"
    say "kube-proxy is stopped and disabled, its files and rules are removed${left:+, except $left; fix that, or reboot the node}"
else
    say "this host now serves as node $(cat "$state/node")$(sed 's/^/ of stack /' "$state/stack" 2>/dev/null): nothing was removed"
fi
