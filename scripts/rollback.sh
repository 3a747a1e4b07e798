# What was live before an activation, kept until the new generation serves.
# $state/activating marks that live files may be of two generations; $state/previous holds what was replaced.

# Keeps each live file that will change, or the fact that there was none. After an interrupted activation the first
# copies stay: they are of the last generation that served.
keep_previous() {
    [ -e "$state/activating" ] || rm -rf "$state/previous"
    mkdir -p "$state/previous/files"
    touch "$state/previous/absent"
    for name in $changed; do
        path=$(live_path "$name")
        kept=$state/previous/files${path#"$root"}
        if [ -e "$kept" ] || grep -qx "${path#"$root"}" "$state/previous/absent"; then
            continue
        elif [ -e "$path" ]; then
            mkdir -p "${kept%/*}"
            ln "$path" "$kept" 2>/dev/null || { cp -p "$path" "$kept.new" && mv "$kept.new" "$kept"; }
        else
            printf '%s\n' "${path#"$root"}" >>"$state/previous/absent"
        fi
    done
    [ -e "$state/previous/was" ] || {
        printf 'active=%s rules=%s enabled=%s\n' "$(is_active && echo yes)" "$(has_rules && echo yes)" "$(is_enabled && echo yes)" >"$state/previous/was.new"
        mv "$state/previous/was.new" "$state/previous/was"
    }
    keep_original
    find "$state/previous" -exec sync {} +
    : >"$state/activating"
    sync "$state/activating" "$state"
}

# A binary that was there before the first generation is somebody's own: remove.sh puts it back.
keep_original() {
    case "$changed" in *"kube-proxy "*) ;; *) return 0 ;; esac
    [ -e "$state/live" ] || [ -e "$state/original-kube-proxy" ] || [ ! -e "$binary" ] || {
        cp -p "$binary" "$state/original-kube-proxy.new"
        sync "$state/original-kube-proxy.new"
        mv "$state/original-kube-proxy.new" "$state/original-kube-proxy"
    }
}

# The marker goes first: without it, what is kept means nothing.
forget_previous() {
    rm -f "$state/activating"
    rm -rf "$state/previous"
}

# The live generation and the one before it stay; binaries that no generation holds go. What is younger than a day may
# have been staged by another deployment that is under way.
forget_older_generations() {
    before=$(cat "$state/live" 2>/dev/null || :)
    [ "$before" != "$GENERATION" ] || return 0
    find "$state" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -name '????????????????????????????????????????????????????????????????' \
        ! -name "$GENERATION" ! -name "${before:-none}" -exec rm -rf {} +
    find "$state/binaries" -type f -links 1 -mmin +1440 -delete
    printf '%s\n' "$GENERATION" | write_file "$state/live"
}

# From now on the questions of proof.sh are about what is live, which may be another program's doing.
expect_live_files() {
    use_kubeconfig "$(live_path kube-proxy.kubeconfig)"
    configuration=$(live_path kube-proxy-config.yaml)
    MODE=$(live_field mode)
    HEALTHZ=$(live_field healthzBindAddress | canonical)
    METRICS=$(live_field metricsBindAddress | canonical)
    FAMILIES='' VERSION=''
}

live_field() { sed -n "s/^$1: *//p" "$configuration" | tr -d "\"'"; }

roll_back() {
    say "putting back what was there before"
    live_files >files.list
    while read -r _ path _; do
        rm -f "$path.new"
    done <files.list
    sh "$state/recover" now || fail "the previous files can't be put back: is a file system read-only? kube-proxy was left as it is; mend that, then run pulumi up again"
    was=$(cat "$state/previous/was")
    case $was in *enabled=yes) ;; *) control disable --quiet kube-proxy.service 2>/dev/null || : ;; esac
    control daemon-reload || :
    case $was in
        active=yes*) serve_again ;;
        *) stop_again ;;
    esac
    forget_previous
}

serve_again() {
    if [ -z "$restarted" ]; then
        say "kube-proxy was not restarted and goes on as before"
        return 0
    fi
    systemctl reset-failed kube-proxy.service 2>/dev/null || :
    control restart kube-proxy.service || :
    expect_live_files
    if await_service; then
        say "the previous generation serves again"
    elif is_active; then
        say "the previous generation runs again, but that it serves isn't proven: $reason"
    else
        say "the previous generation does not run either: look at journalctl -u kube-proxy"
    fi
    remove_rules "$MODE"
}

stop_again() {
    control stop kube-proxy.service || :
    systemctl reset-failed kube-proxy.service 2>/dev/null || :
    case $was in *rules=yes*) ;; *) remove_rules '' ;; esac
    say "kube-proxy did not run here before and doesn't now"
}
