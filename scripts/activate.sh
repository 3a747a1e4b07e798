# Stages 4 and 5: switch to the staged generation with at most one restart and prove that it serves; otherwise roll back.
# With nothing to change it only proves.
. ./common.sh
. ./ipv6.sh
. ./kubernetes_api.sh
. ./kubernetes_service.sh
. ./virtual_servers.sh
. ./rules.sh
. ./handover.sh
. ./drain.sh
. ./namespace.sh
. ./proof.sh
. ./report.sh
. ./rollback.sh

short=$(printf '%.12s' "$GENERATION")
began=$(date +%s)

# Prints the lines of live_files whose file in this generation differs from the live one, if only in mode or owner: before the first
# generation that file isn't ours to change. The target of a symbolic link never is.
list_changed() {
    live_files | while read -r name path mode; do
        [ ! -e "$staged/$name" ] || { [ ! -h "$root$path" ] && has_content "$name" "$path" && has_rights "$name" "$path"; } ||
            printf '%s\n' "$name $path $mode"
    done
}

has_content() { [ -f "$root$2" ] && cmp -s "$staged/$1" "$root$2"; }
has_rights() { stat -c '%a %u %g' "$staged/$1" "$root$2" | { read -r ours && read -r theirs && [ "$ours" = "$theirs" ]; }; }

# Prints the names of changed files for which kube-proxy must restart. It doesn't use the modules and the network file, which are
# read at boot, and a link that becomes a file, a mode or an owner doesn't matter to it.
list_restart_files() {
    while read -r name path _; do
        case $name in modules | kube-ipvs0.network) ;; *) has_content "$name" "$path" || printf ' %s' "$name" ;; esac
    done <changed.list
}

# Prints why kube-proxy must restart, or nothing.
find_restart_cause() {
    if [ -n "$restart_files" ]; then
        printf 'changed:%s' "$restart_files"
    elif [ -e "$state/activating" ]; then
        printf 'an earlier activation was interrupted'
    elif [ "$active" != active ]; then
        printf 'it was %s' "$active"
    elif [ -n "$other_unit" ]; then
        printf 'it ran by %s' "$other_unit"
    elif ! has_configuration; then
        printf 'its configuration was not that of this generation'
    fi
}

# Whether the process answers with the configuration that it had when this generation was proven. Its file may have been changed
# and changed back since. No answer is no difference: the proof tells more.
has_configuration() {
    (ulimit -f 65536; curl -s --fail --noproxy '*' --max-time 5 -o configz "http://$METRICS/configz") || return 0
    [ ! -e "$state/configz" ] || is_recorded "$GENERATION $(digest_of configz)" "$state/configz" || ! grep -q "^$GENERATION " "$state/configz"
}

digest_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

# Renames, since kube-proxy watches its configuration and exits when it is written in place. The unit is the last (recover.sh):
# the renames before it, perhaps in other file systems, must be on disk by then.
install_changed() {
    [ -s changed.list ] || return 0
    set --
    while read -r name path mode; do
        install -D -o 0 -g 0 -m "$mode" "$staged/$name" "$root$path.new"
        set -- "$@" "$root$path.new"
    done <changed.list
    sync "$@"
    set --
    while read -r name path _; do
        [ "$name" != kube-proxy.service ] || [ $# = 0 ] || sync "$@"
        mv -f "$root$path.new" "$root$path"
        set -- "$@" "$root${path%/*}"
    done <changed.list
    sync "$@"
}

switch() {
    mkdir -p "$root$K8S_DIR/kube-proxy"
    install_changed
    [ -z "$hiding_unit" ] || { rm -f "$root$hiding_unit" && sync "$root${hiding_unit%/*}"; }
    # enable reloads, too. With --force it replaces the link to the other unit.
    if [ "$needs_reload $enabled" != "no enabled" ] || [ -n "$other_unit" ] || grep -q '^kube-proxy.service ' changed.list; then
        run_systemctl enable --quiet ${other_unit:+--force} kube-proxy.service
    fi
}

# From now on a removal uses this delivery's scripts and parameters (start_removal.sh). Those of the last hour may be in use.
keep_for_removal() {
    ! is_recorded "$DELIVERY" "$state/live-delivery" || return 0
    record "$DELIVERY" live-delivery
    find "$state/deliveries" -mindepth 1 -maxdepth 1 -mmin +60 ! -path "$root$DELIVERY" -exec rm -rf {} +
}

# record VALUE NAME: VALUE becomes the content of a file of the state.
record() {
    ! is_recorded "$1" "$state/$2" || return 0
    printf '%s\n' "$1" >"$state/$2.new"
    sync "$state/$2.new"
    mv -f "$state/$2.new" "$state/$2"
}
is_recorded() { [ -e "$2" ] && read -r recorded <"$2" && [ "$recorded" = "$1" ]; }

abort_activation() {
    say "$1"
    print_errors_from_journal >&2 || :
    if [ -n "$rollback_needed" ]; then
        rollback_needed=
        resume_handover
        roll_back
    fi
    fail "generation $short is not live; fix the cause, then run pulumi up again"
}

staged=$state/$GENERATION
# Since it was staged, the node may have been installed again, kube-proxy removed from it, or another generation proven.
[ -f "$staged/kube-proxy.kubeconfig" ] || sh ./stage.sh
lock
trap '' HUP PIPE
trap 'exit 1' INT TERM
rollback_needed=''
# Whether the running process may have read files of this generation.
restarted=no
[ ! -e "$state/activating" ] || restarted=yes
use_kubeconfig "$staged/kube-proxy.kubeconfig"

read_unit_state
has_its_directories || fail "$reason; nothing was changed"
is_not_masked || fail "$reason; nothing was changed"
is_no_alias || fail "$reason; nothing was changed"
find_other_unit
[ "$TAKE_OVER" = true ] || [ -z "$hiding_unit" ] || fail "$(hidden_message); nothing was changed"
list_changed >changed.list
restart_files=$(list_restart_files)
restart_cause=$(find_restart_cause)
# The first generation has served, and its activation was cut off before that was recorded. What was there before it must not be
# forgotten if this one doesn't serve.
[ -e "$state/activating" ] || [ -e "$state/live" ] || [ ! -e "$state/original" ] || record unknown live
if [ -n "$restart_cause" ]; then
    hand_over
    [ "$switch" != 'to nftables' ] || drain
fi
# What was there before the first generation is kept even if it is what the stack means already.
if [ -n "$restart_cause" ] || [ ! -e "$state/live" ]; then
    save_previous
    trap '[ -z "$rollback_needed" ] || abort_activation "the activation was interrupted"' EXIT
    rollback_needed=yes
fi
switch
if [ -n "$restart_cause" ]; then
    say "restarting kube-proxy ($restart_cause)"
    restarted=yes
    restart_unit || abort_activation "kube-proxy.service must start: systemctl restart failed"
fi
prove_serving "$restart_cause" || abort_activation "kube-proxy must serve within $HEALTH_TIMEOUT s: $reason"
rollback_needed=
discard_previous
record_live_generation
record "$NODE" node
record "$STACK" stack
keep_for_removal
[ ! -s configz ] || record "$GENERATION $(digest_of configz)" configz
sync "$state" "$root/etc/systemd/system/multi-user.target.wants" 2>/dev/null || :
[ -z "$left" ] || fail "generation $short serves, but rules of another mode remain: $left; fix that and run pulumi up again, or reboot the node"
report
if [ -n "$restart_cause" ]; then say "generation $short serves"; else say "generation $short serves already, nothing to do"; fi
