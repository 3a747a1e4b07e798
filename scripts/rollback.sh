# What was live before an activation, kept until the new generation serves.
# $state/activating marks that live files may be of two generations; $state/previous holds what was replaced.

# Keeps each live file that will change, or the fact that there was none. After an interrupted activation the first
# copies stay: they are of the last generation that served.
save_previous() {
    previous=$state/previous
    [ -e "$state/activating" ] || rm -rf "$previous"
    mkdir -p "$previous/files"
    touch "$previous/absent"
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
    [ -e "$previous/was" ] ||
        printf 'active=%s rules=%s enabled=%s\n' "$(is_active && echo yes)" "$(has_rules && echo yes)" "$(is_enabled && echo yes)" | replace_file "$previous/was"
    save_original_binary
    find "$previous" -exec sync {} +
    : >"$state/activating"
    sync "$state/activating" "$state"
}

# A binary that was there before the first generation is somebody's own: remove.sh puts it back.
save_original_binary() {
    case "$restart_files " in *" kube-proxy "*) ;; *) return 0 ;; esac
    [ -e "$state/live" ] || [ -e "$state/original-kube-proxy" ] || [ ! -e "$binary" ] || {
        cp -p "$binary" "$state/original-kube-proxy.new"
        sync "$state/original-kube-proxy.new"
        mv "$state/original-kube-proxy.new" "$state/original-kube-proxy"
    }
}

# The marker goes first: without it, what is kept means nothing.
discard_previous() {
    rm -f "$state/activating"
    rm -rf "$state/previous"
}

# The live generation and the one before it stay; binaries that no generation holds go. What is younger than a day may
# have been staged by another deployment that is under way.
record_live_generation() {
    before=$(cat "$state/live" 2>/dev/null || :)
    [ "$before" != "$GENERATION" ] || return 0
    find "$state" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -name '????????????????????????????????????????????????????????????????' \
        ! -name "$GENERATION" ! -name "${before:-none}" -exec rm -rf {} +
    find "$state/binaries" -type f -links 1 -mmin +1440 -delete
    printf '%s\n' "$GENERATION" | replace_file "$state/live"
}

# From now on the questions of proof.sh are about what is live, which may be another program's doing.
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
    say "putting back what was there before"
    live_files | while read -r _ path _; do
        rm -f "$root$path.new"
    done
    sh "$state/recover" now || fail "the previous files can't be put back: is a file system read-only? kube-proxy was left as it is; mend that, then run pulumi up again"
    was=$(cat "$state/previous/was")
    case $was in *enabled=yes) ;; *) run_systemctl disable --quiet kube-proxy.service 2>/dev/null || : ;; esac
    run_systemctl daemon-reload || :
    case "$restarted $was" in
        "no active=yes"*) say "kube-proxy was not restarted and goes on as before" ;;
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
        say "the previous generation runs again, but that it serves isn't proven: $reason"
    else
        say "the previous generation does not run either: look at journalctl -u kube-proxy"
    fi
    remove_rules "$MODE"
}

stop_again() {
    run_systemctl stop kube-proxy.service || :
    forget_failures
    case $was in *rules=yes*) ;; *) remove_rules '' ;; esac
    say "kube-proxy did not run here before and doesn't now"
}
