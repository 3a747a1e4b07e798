# What was live before an activation is kept until the new generation serves, and restored if it doesn't.
# $state/activating: the live files may belong to two generations. $state/previous: what they were before.

# Keeps each live file that will change, or the fact that there was none. After an interrupted activation the copies that
# exist are kept: they belong to the last generation that served.
save_previous() {
    previous=$state/previous
    [ -e "$state/activating" ] || rm -rf "$previous"
    mkdir -p "$previous/files"
    : >>"$previous/absent"
    while read -r _ path _; do
        saved=$previous/files$path
        if [ -e "$saved" ] || grep -qx "$path" "$previous/absent"; then
            continue
        elif [ -e "$root$path" ]; then
            mkdir -p "${saved%/*}"
            ln "$root$path" "$saved" 2>/dev/null || { cp -p "$root$path" "$saved.new" && mv "$saved.new" "$saved"; }
        else
            printf '%s\n' "$path" >>"$previous/absent"
        fi
    done <changed.list
    [ -e "$previous/was" ] || printf 'active=%s rules=%s enabled=%s\n' "$([ "$active" = active ] && echo yes)" \
        "$([ "$active" = active ] || has_rules && echo yes)" "$([ "$enabled" = enabled ] && echo yes)" >"$previous/was"
    save_original_binary
    find "$previous" -exec sync {} +
    : >"$state/activating"
    sync "$state/activating" "$state"
}

# A binary that was there before the first generation isn't ours: remove.sh restores it.
save_original_binary() {
    case "$restart_files " in *" kube-proxy "*) ;; *) return 0 ;; esac
    [ -e "$state/live" ] || [ -e "$state/original-kube-proxy" ] || [ ! -e "$binary" ] || {
        cp -p "$binary" "$state/original-kube-proxy.new"
        sync "$state/original-kube-proxy.new"
        mv "$state/original-kube-proxy.new" "$state/original-kube-proxy"
    }
}

# The marker goes first: without it, the kept files mean nothing.
discard_previous() { rm -rf "$state/activating" "$state/previous"; }

# Deletes all generations but the live one and the one before it, and the binaries that no generation uses. Anything younger
# than a day is kept: another deployment may have just staged it.
record_live_generation() {
    before=$(cat "$state/live" 2>/dev/null || :)
    [ "$before" != "$GENERATION" ] || return 0
    find "$state" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -name '????????????????????????????????????????????????????????????????' \
        ! -name "$GENERATION" ! -name "${before:-none}" -exec rm -rf {} +
    find "$state/binaries" -type f -links 1 -mmin +1440 -delete
    printf '%s\n' "$GENERATION" | replace_file "$state/live"
}

# From here proof.sh checks the restored files, which we may not have written.
expect_live_configuration() {
    use_kubeconfig "$(live_path kube-proxy.kubeconfig)"
    MODE=$(live_field mode)
    HEALTHZ=$(live_field healthzBindAddress | canonical)
    METRICS=$(live_field metricsBindAddress | canonical)
    FAMILIES='' VERSION=''
}

live_path() { live_files | awk -v name="$1" -v root="$root" '$1 == name { print root $2 }'; }
live_field() { sed -n "s/^$1: *//p" "$(live_path kube-proxy-config.yaml)" | tr -d "\"'"; }

roll_back() {
    say "rolling back to the previous files"
    live_files | while read -r _ path _; do
        rm -f "$root$path.new"
    done
    sh "$state/recover" now || fail "the previous files can't be restored: is a file system read-only? kube-proxy was left as it is; fix that, then run pulumi up again"
    was=$(cat "$state/previous/was")
    case $was in *enabled=yes) ;; *) run_systemctl disable --quiet kube-proxy.service 2>/dev/null || : ;; esac
    run_systemctl daemon-reload || :
    case "$restarted $was" in
        "no active=yes"*) say "kube-proxy was not restarted and runs as before" ;;
        "yes active=yes"*) restart_previous ;;
        *) stop_again ;;
    esac
    discard_previous
}

restart_previous() {
    restart_unit || :
    expect_live_configuration
    if wait_until_serving; then
        say "the previous generation serves again"
    elif is_active; then
        say "the previous generation runs again, but isn't proven to serve: $reason"
    else
        say "the previous generation doesn't run either: see journalctl -u kube-proxy"
    fi
    remove_rules "$MODE"
}

stop_again() {
    run_systemctl stop kube-proxy.service || :
    forget_failures
    case $was in *rules=yes*) ;; *) remove_rules '' ;; esac
    say "kube-proxy was not running before and is stopped again"
}
