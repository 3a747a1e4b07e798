# Stages 4 and 5: switch to the staged generation with at most one restart and prove that it serves; otherwise roll back.
# With nothing to change it only proves.
. ./common.sh
. ./ipv6.sh
. ./kubernetes_api.sh
. ./kubernetes_service.sh
. ./virtual_servers.sh
. ./rules.sh
. ./proof.sh
. ./report.sh
. ./rollback.sh

short=$(printf '%.12s' "$GENERATION")

# Prints the lines of live_files whose file in this generation differs from the live one.
list_changed() {
    live_files | while read -r name path mode; do
        [ ! -e "$staged/$name" ] || cmp -s "$staged/$name" "$root$path" || printf '%s\n' "$name $path $mode"
    done
}

# Prints why kube-proxy must restart, or nothing.
find_restart_cause() {
    if [ -n "$restart_files" ]; then
        printf 'changed:%s' "$restart_files"
    elif [ -e "$state/activating" ]; then
        printf 'an earlier activation was interrupted'
    elif ! is_active; then
        printf 'it was %s' "$(service_property ActiveState)"
    fi
}

# install_file FROM TO MODE. kube-proxy watches its configuration and exits when it is written in place. The directory is
# synced before the next file, which may be on another file system.
install_file() {
    mkdir -p "${2%/*}"
    cp "$1" "$2.new"
    chown 0:0 "$2.new"
    chmod "$3" "$2.new"
    sync "$2.new"
    mv -f "$2.new" "$2"
    sync "${2%/*}"
}

install_changed() {
    while read -r name path mode; do
        install_file "$staged/$name" "$root$path" "$mode"
    done <changed.list
}

enable_unit() { is_enabled || run_systemctl enable --quiet kube-proxy.service; }

switch() {
    mkdir -p "$root$K8S_DIR/kube-proxy"
    install_changed
    case "$(service_property NeedDaemonReload)$restart_files " in *yes* | *" kube-proxy.service "*) run_systemctl daemon-reload ;; esac
    enable_unit
}

# A changed mode or owner is restored without a restart.
restore_modes() {
    live_files | while read -r _ path mode; do
        file=$root$path
        [ ! -e "$file" ] || [ "$file" = "$binary" ] || [ "$(stat -c '%a %u %g' "$file")" = "$mode 0 0" ] || { chown 0:0 "$file" && chmod "$mode" "$file"; }
    done
}

# From now on a removal uses this delivery's scripts and parameters (remove_node.sh). Younger deliveries may be in use.
keep_for_removal() {
    printf '%s\n' "$DELIVERY" | replace_file "$state/live-delivery"
    find "$state/deliveries" -mindepth 1 -maxdepth 1 -mmin +1440 ! -path "$root$DELIVERY" -exec rm -rf {} +
}

abort_activation() {
    say "$1"
    print_errors_from_journal >&2 || :
    if [ -n "$rollback_needed" ]; then
        rollback_needed=
        roll_back
    fi
    fail "generation $short is not live; fix the cause, then run pulumi up again"
}

staged=$state/$GENERATION
lock
trap '' HUP PIPE
trap 'exit 1' INT TERM
rollback_needed=''
# Whether the running process may have read files of this generation.
restarted=no
[ ! -e "$state/activating" ] || restarted=yes
[ -f "$staged/kube-proxy-config.yaml" ] || fail "generation $short must be staged on this node, is missing; run: pulumi up --target-replace '**$NODE-stage' --target-dependents"
use_kubeconfig "$staged/kube-proxy.kubeconfig"

list_changed >changed.list
# kube-proxy and its unit don't use the two others, which are read at boot.
restart_files=$(awk '$1 != "modules" && $1 != "kube-ipvs0.network" { printf " %s", $1 }' changed.list)
restart_cause=$(find_restart_cause)
if [ -n "$restart_cause" ]; then
    save_previous
    trap '[ -z "$rollback_needed" ] || abort_activation "the activation was interrupted"' EXIT
    rollback_needed=yes
    switch
    say "restarting kube-proxy ($restart_cause)"
    restarted=yes
    restart_unit || abort_activation "kube-proxy.service must start: systemctl restart failed"
else
    install_changed
    enable_unit
fi
restore_modes
prove_serving "$restart_cause" || abort_activation "kube-proxy must serve within $HEALTH_TIMEOUT s: $reason"
rollback_needed=
discard_previous
record_live_generation
keep_for_removal
printf '%s\n' "$NODE" | replace_file "$state/node"
sync "$state"
sync "$root/etc/systemd/system/multi-user.target.wants" 2>/dev/null || :
[ -z "$left" ] || fail "generation $short serves, but rules of another mode remain: $left; fix that and run pulumi up again, or reboot the node"
report
if [ -n "$restart_cause" ]; then say "generation $short serves"; else say "generation $short serves already, nothing to do"; fi
