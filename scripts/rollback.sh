# What was live before an activation is kept until the new generation serves, and restored if it doesn't.
# $state/activating: the live files may belong to two generations. $state/previous: what they were before.

# Keeps each live file that will change, or the fact that there was none; before the first generation all of them, since a removal
# brings them back. After an interrupted activation the copies that exist are kept: they belong to the last generation that served.
save_previous() {
    previous=$state/previous
    [ -e "$state/activating" ] || rm -rf "$previous"
    mkdir -p "$previous/files"
    : >>"$previous/absent"
    if [ -e "$state/live" ]; then cat changed.list; else live_files; fi | while read -r _ path _; do
        keep_file "$path"
    done
    [ -z "$hiding_unit" ] || keep_file "$hiding_unit"
    [ -e "$previous/was" ] || [ -e "$state/live" ] || keep_links
    [ -e "$previous/was" ] || printf 'active=%s rules=%s enabled=%s\n' "$([ "$active" = active ] && echo yes)" \
        "$([ "$active" = active ] || has_rules && echo yes)" "$([ "$enabled" = enabled ] && echo yes)" >"$previous/was"
    [ -e "$previous/directories" ] || for directory in "$K8S_DIR/kube-proxy" "$K8S_DIR" /etc/kubernetes; do
        [ ! -d "$root$directory" ] || printf '%s\n' "$directory"
    done >"$previous/directories"
    [ -e "$previous/made" ] || list_missing_directories >"$previous/made"
    [ -e "$state/live" ] || record "$UNIT_DIRECTORY $BINARY_DIRECTORY" paths
    find "$previous" ! -type l -exec sync {} +
    : >"$state/activating"
    sync "$state/activating" "$state"
    save_original
    sync "$state"
}

# Prints the directories that this activation makes for the binary, inner ones first. Those of units belong to systemd.
list_missing_directories() {
    missing=$BINARY_DIRECTORY
    while [ ! -d "$root$missing/" ]; do
        printf '%s\n' "$missing"
        missing=${missing%/*}
    done
}

# By which targets the unit was started, or that ours wasn't: disable removes them all, and enable makes those of [Install] only.
keep_links() {
    keep_file /etc/systemd/system/multi-user.target.wants/kube-proxy.service
    for link in "$root"/etc/systemd/system/*.wants/kube-proxy.service "$root"/etc/systemd/system/*.requires/kube-proxy.service; do
        ! exists "$link" || keep_file "${link#"$root"}"
    done
}

# A hard link keeps all that a file has: owner, modes, labels, ACLs, other names. A symbolic link is kept as one.
keep_file() {
    saved=$previous/files$1
    if exists "$saved" || grep -qx "$1" "$previous/absent"; then
        return 0
    elif exists "$root$1"; then
        mkdir -p "${saved%/*}"
        ln -P "$root$1" "$saved" 2>/dev/null || { rm -f "$saved.new" && cp -a "$root$1" "$saved.new" && mv "$saved.new" "$saved"; }
    else
        printf '%s\n' "$1" >>"$previous/absent"
    fi
}

# What was there before the first generation isn't ours: remove.sh restores it. Its name must not be there before its content, nor
# before the marker: without one it means that a first generation has served (activate.sh). A unit that hides ours may also appear later.
save_original() {
    if [ ! -e "$state/live" ] && [ ! -e "$state/original" ]; then
        rm -rf "$state/original.new"
        cp -al "$previous" "$state/original.new"
        find "$state/original.new" -type d -exec sync {} +
        mv "$state/original.new" "$state/original"
    elif [ -n "$hiding_unit" ]; then
        mkdir -p "$state/original/files"
        : >>"$state/original/absent"
        rm -f "$state/original/files$hiding_unit"
        (previous=$state/original && keep_file "$hiding_unit")
        find "$state/original" ! -type l -exec sync {} +
    fi
}

# The marker goes first: without it, the kept files mean nothing.
discard_previous() { rm -rf "$state/activating" "$state/previous"; }

# Deletes all generations but the live one and the one before it, the keys of that one, and the binaries that no generation uses.
# Anything that is younger is kept: another deployment may have just staged it.
record_live_generation() {
    before=''
    [ ! -e "$state/live" ] || read -r before <"$state/live" || :
    [ "$before" != "$GENERATION" ] || return 0
    find "$state" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -name '????????????????????????????????????????????????????????????????' \
        ! -name "$GENERATION" ! -name "${before:-none}" -exec rm -rf {} +
    find "$state" -mindepth 2 -maxdepth 2 -name kube-proxy.kubeconfig -mmin +60 ! -path "*/$GENERATION/*" -delete
    find "$state/binaries" -type f -links 1 -mmin +1440 -delete
    record "$GENERATION" live
}

# From here proof.sh checks the restored files, which we may not have written. Without a mode or a listener it can't.
expect_live_configuration() {
    use_kubeconfig "$live_kubeconfig"
    MODE=$(live_field mode)
    HEALTHZ=$(live_field healthzBindAddress | canonical)
    METRICS=$(live_field metricsBindAddress | canonical)
    FAMILIES='' VERSION=''
    reason='its configuration has no mode, healthzBindAddress and metricsBindAddress'
    [ -n "$MODE" ] && [ -n "$HEALTHZ" ] && [ -n "$METRICS" ]
}

live_field() { sed -n "s/^$1:[[:space:]]*[\"']\{0,1\}\([^\"'#[:space:]]*\).*/\1/p" "$live_configuration" | head -n 1; }

roll_back() {
    say "rolling back to the previous files"
    live_files | while read -r _ path _; do
        rm -f "$root$path.new"
    done
    was=$(cat "$state/previous/was")
    # Before the links that were there come back: disable removes those, too.
    case $was in *enabled=yes) ;; *) run_systemctl disable --quiet kube-proxy.service 2>/dev/null || : ;; esac
    sh "$state/recover" now || fail "the previous files can't be restored: is a file system read-only? kube-proxy was left as it is; fix that, then run pulumi up again"
    # enable makes all links of [Install], of which some may not have been there.
    case "$other_unit $was" in /*enabled=yes) { run_systemctl enable --quiet --force kube-proxy.service && sh "$state/recover" now; } || : ;; esac
    run_systemctl daemon-reload || :
    case "$restarted $was" in
        "no active=yes"*) say "kube-proxy was not restarted and runs as before" ;;
        "yes active=yes"*) restart_previous ;;
        *) stop_again ;;
    esac
    clear_handover || say "the nftables table $handover must be deleted: $(printable <rules.error)"
    remove_made_directories "$state/previous"
    [ -e "$state/live" ] || rm -rf "$state/original"
    discard_previous
    [ -e "$state/live" ] || rm -f "$state/paths"
}

# The starts of the new generation must not count for the previous unit, whose limit may have an action (StartLimitAction=reboot).
restart_previous() {
    forget_failures
    restart_unit || :
    MODE='' proven=no reason='it has other files than ours'
    if [ -f "$live_kubeconfig" ] && [ -f "$live_configuration" ] && expect_live_configuration && wait_until_serving; then
        proven=yes
        say "the previous generation serves again"
    elif is_active; then
        say "the previous generation runs again, but isn't proven to serve: $reason"
    else
        say "the previous generation doesn't run either: see journalctl -u kube-proxy"
    fi
    # Of another owner's kube-proxy, a file that only seems to be its own must not decide which rules go.
    if [ "$proven" = yes ]; then
        remove_rules_of_other_modes || remove_rules "$MODE"
    elif [ -n "$MODE" ] && [ -e "$state/live" ]; then
        remove_rules "$MODE"
    fi
}

stop_again() {
    run_systemctl stop kube-proxy.service || :
    forget_failures
    case $was in *rules=yes*) ;; *) remove_rules '' ;; esac
    say "kube-proxy was not running before and is stopped again"
}
