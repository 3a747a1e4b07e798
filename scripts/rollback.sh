# What was live before an activation, kept until the new generation serves.
# $state/activating marks that live files may be of two generations; $state/previous holds what was replaced.

# Keeps each live file that will change, or the fact that there was none. After an interrupted activation the first
# copies stay: they are of the last generation that served.
keep_previous() {
    mkdir -p "$state/previous"
    for name in $changed; do
        path=$(live_path "$name")
        if [ -e "$state/previous/$name" ] || [ -e "$state/previous/$name.absent" ]; then
            continue
        elif [ -e "$path" ]; then
            ln "$path" "$state/previous/$name" 2>/dev/null || cp -p "$path" "$state/previous/$name"
        else
            : >"$state/previous/$name.absent"
        fi
    done
    [ -e "$state/previous/was" ] || printf 'active=%s enabled=%s\n' "$(is_active && echo yes)" "$(is_enabled && echo yes)" >"$state/previous/was"
    keep_original
    : >"$state/activating"
    sync "$state/previous" "$state/activating"
}

# A binary that was there before the first generation is somebody's own: remove.sh puts it back.
keep_original() {
    case "$changed" in *"kube-proxy "*) ;; *) return 0 ;; esac
    [ -e "$state/live" ] || [ -e "$state/original-kube-proxy" ] || [ ! -e "$binary" ] || cp -p "$binary" "$state/original-kube-proxy"
}

forget_previous() {
    rm -rf "$state/previous"
    rm -f "$state/activating"
}

# The live generation and the one before it stay; binaries that no generation holds go.
forget_older_generations() {
    before=$(cat "$state/live" 2>/dev/null || :)
    [ "$before" = "$GENERATION" ] || printf '%s\n%s\n' "$GENERATION" "$before" >"$state/keep"
    find "$state" -mindepth 1 -maxdepth 1 -type d -name '????????????????????????????????????????????????????????????????' |
        grep -vFf "$state/keep" | while read -r old; do rm -rf "$old"; done
    find "$state/binaries" -type f -links 1 -delete
    printf '%s\n' "$GENERATION" >"$state/live"
}

roll_back() {
    say "putting back what was there before"
    live_files >files.list
    while read -r name path _; do
        rm -f "$path.new"
        if [ -e "$state/previous/$name" ]; then
            cp -p "$state/previous/$name" "$path.new"
            mv -f "$path.new" "$path"
        elif [ -e "$state/previous/$name.absent" ]; then
            rm -f "$path"
        fi
    done <files.list
    was=$(cat "$state/previous/was")
    case $was in
        active=yes*) ;;
        *) control stop kube-proxy.service || : ;;
    esac
    case $was in *enabled=yes) ;; *) control disable --quiet kube-proxy.service 2>/dev/null || : ;; esac
    control daemon-reload || :
    systemctl reset-failed kube-proxy.service 2>/dev/null || :
    case $was in
        active=yes*)
            control restart kube-proxy.service || :
            if is_active; then say "the previous generation runs again"; else say "the previous generation does not run either: look at journalctl -u kube-proxy"; fi
            ;;
        *) say "kube-proxy did not run here before and doesn't now" ;;
    esac
    forget_previous
}
