# Stages 4 and 5: switch to the staged generation, at most one restart, prove that it serves; otherwise put back what
# was there. Run again with nothing to change, it only proves.
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

# The names of the generation's files that differ from the live ones.
changed_files() {
    live_files | while read -r name path _; do
        [ ! -e "$staged/$name" ] || cmp -s "$staged/$name" "$path" || printf '%s ' "$name"
    done
}

# Why kube-proxy must restart; empty where it need not.
restart_reason() {
    if [ -n "$read_at_start" ]; then
        printf 'changed: %s' "${read_at_start% }"
    elif [ -e "$state/activating" ]; then
        printf 'an earlier activation was interrupted'
    elif ! is_active; then
        printf 'it was %s' "$(service_property ActiveState)"
    fi
}

# In the same directory, then renamed: a reader sees the old file or the new one. kube-proxy watches its configuration
# and would exit on a file written in place. On the disk before the next, which may be in another file system.
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
    live_files >files.list
    while read -r name path mode; do
        case " $changed" in *" $name "*) install_file "$staged/$name" "$path" "$mode" ;; esac
    done <files.list
}

switch() {
    mkdir -p "$root$K8S_DIR/kube-proxy"
    install_changed
    case "$(service_property NeedDaemonReload) $changed" in *yes*|*" kube-proxy.service "*) control daemon-reload ;; esac
    is_enabled || control enable --quiet kube-proxy.service
}

# Modes and owner are ours too, and need no restart.
mend_modes() {
    live_files | while read -r _ path mode; do
        [ ! -e "$path" ] || [ "$path" = "$binary" ] || [ "$(stat -c '%a %u %g' "$path")" = "$mode 0 0" ] || { chown 0:0 "$path" && chmod "$mode" "$path"; }
    done
}

give_up() {
    say "$1"
    journal "$(service_property InvocationID)" >&2 || :
    if [ -n "$switched" ]; then
        switched=
        roll_back
    fi
    fail "generation $short is not live; mend the cause, then run pulumi up again"
}

staged=$state/$GENERATION
lock
trap '' HUP PIPE
trap 'exit 1' INT TERM
switched=''
# Whether the process that runs may have read files of this generation.
restarted=$([ ! -e "$state/activating" ] || echo yes)
[ -f "$staged/kube-proxy-config.yaml" ] || fail "generation $short must be staged on this node, but it is gone; run: pulumi up --target-replace '**$NODE-stage' --target-dependents"
use_kubeconfig "$staged/kube-proxy.kubeconfig"

changed=$(changed_files)
# Neither kube-proxy nor its unit: what is read at a boot.
read_at_start=${changed#modules }
read_at_start=${read_at_start#kube-ipvs0.network }
why=$(restart_reason)
if [ -n "$why" ]; then
    keep_previous
    trap '[ -z "$switched" ] || give_up "the activation was interrupted"' EXIT
    switched=yes
    switch
    say "restarting kube-proxy ($why)"
    systemctl reset-failed kube-proxy.service 2>/dev/null || :
    restarted=yes
    control restart kube-proxy.service || give_up "kube-proxy.service must start: systemctl restart failed"
else
    install_changed
    is_enabled || control enable --quiet kube-proxy.service
fi
mend_modes
prove || give_up "kube-proxy must serve within $HEALTH_TIMEOUT s: $reason"
switched=
forget_previous
forget_older_generations
printf '%s\n' "$NODE" | write_file "$state/node"
sync "$state"
sync "$root/etc/systemd/system/multi-user.target.wants" 2>/dev/null || :
[ -z "$left" ] || fail "generation $short serves, but rules of another mode stay: $left; mend that and run pulumi up again, or reboot the node"
report
if [ -n "$why" ]; then say "generation $short serves"; else say "generation $short already served: nothing to do"; fi
