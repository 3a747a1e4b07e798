# Stage 5: does kube-proxy serve, and does it stay up? Each question sets $reason, which explains why the answer is no.

# While the process of an active unit exists, that is so: this look is repeated while kube-proxy starts and needs the CPU.
is_running() {
    { [ "$active" = active ] && is_alive "$pid"; } || read_unit_state
    reason="kube-proxy.service must be active, is ${active:-unknown}"
    [ "$active" = active ] || return 1
    reason="kube-proxy.service must be enabled, is ${enabled:-unknown}"
    [ "$enabled" = enabled ]
}

# Whether the process is what our unit starts, and reads this generation: drop-ins can change its arguments, user and view of the
# file system. Asked once about $checked_process, and not about a previous kube-proxy, which may not be ours.
is_ours() {
    [ -n "$VERSION" ] && [ "$pid" != "${checked_process:-none}" ] || return 0
    reason="systemd must use ${own_unit#"$root"}, uses ${unit_file:-no file}"
    uses_own_unit || return 1
    running=$root/proc/$pid
    by_drop_ins=${drop_ins:+: do drop-ins of the unit change that ($drop_ins)?}
    arguments=$(tr '\0' ' ' <"$running/cmdline" 2>/dev/null || :)
    expected="${binary#"$root"} $(sed -n 's/^ *\(--[^ "\]*\).*/\1/p' "$staged/kube-proxy.conf" | tr '\n' ' ')"
    [ "$arguments" = "$expected" ] || {
        reason="kube-proxy must run as '$expected', runs as '$(printf '%s' "$arguments" | printable)'$by_drop_ins"
        return 1
    }
    users=$(stat -c %u "$running" "$staged" 2>/dev/null | paste -s -d ' ' -)
    user=${users%% *}
    reason="kube-proxy must run as root, runs as user $user$by_drop_ins"
    [ "$users" = "$user $user" ] || return 1
    for path in "$live_configuration" "$live_kubeconfig"; do
        name=${path##*/}
        path=${path#"$root"}
        reason="the process must see this generation's $name at $path, sees another file$by_drop_ins"
        cmp -s "$staged/$name" "$running/root$path" || return 1
    done
    checked_process=$pid
}

is_alive() { [ -d "$root/proc/${1:-none}" ]; }

# Asks for the mode, the metrics and the configuration, too. While kube-proxy starts it needs the processor more than curl does. Another
# program may have the port, and answer without end.
is_healthy() {
    : >proxy_mode >metrics >configz
    reason="http://$HEALTHZ/livez must answer 200, doesn't answer"
    is_listening || return 1
    code=$(ulimit -f 65536; curl -s --fail-early --noproxy '*' --max-time 5 -w '%{http_code} ' -o livez "http://$HEALTHZ/livez" \
        -o proxy_mode "http://$METRICS/proxyMode" -o metrics "http://$METRICS/metrics" -o configz "http://$METRICS/configz" || :)
    code=${code%% *}
    [ "${code:-000}" = 000 ] || reason="http://$HEALTHZ/livez must answer 200, answers $code"
    [ "$code" = 200 ]
}

# Whether any socket listens on healthz's port, or ss can't tell.
is_listening() { ! listening=$(ss -Hltn "sport = :${HEALTHZ##*:}" 2>/dev/null) || [ -n "$listening" ]; }

has_mode() {
    read -r mode <proxy_mode || :
    [ "$mode" = "$MODE" ] || { reason="http://$METRICS/proxyMode must answer $MODE, answers '$(printable <proxy_mode)'"; return 1; }
}

# Sets $running_version: that of the process, not of its binary file (k8s.io/component-base metrics/prometheus/version).
has_version() {
    running_version=$(sed -n 's/^kubernetes_build_info{.*git_version="v\([^"]*\)".*/\1/p' metrics)
    reason="http://$METRICS/metrics must report kube-proxy ${VERSION:-of any version}, reports '$running_version'"
    [ -n "$running_version" ] && [ "$running_version" = "${VERSION:-$running_version}" ]
}

# A name in ss's list of owners, which any program can choose, may look like a list of owners. It can't be the end of the line.
has_listeners() {
    timeout 20 ss -Hltnp >sockets
    missing=$(awk -v wanted="$HEALTHZ $METRICS" -v owner="pid=$pid,fd=[0-9]+[)][)] *$" '
        $0 ~ owner { found[$4] }
        END {
            count = split(wanted, address, " ")
            for (i = 1; i <= count; i++)
                if (!(address[i] in found || ("*" substr(address[i], match(address[i], /:[0-9]+$/))) in found)) { print address[i]; exit }
        }' sockets || echo "$HEALTHZ")
    reason="kube-proxy (process $pid) must listen on $missing"
    [ -z "$missing" ]
}

# Looks in the kernel for the rules of this mode: a request could also be answered by the rules of another mode.
has_rules_for_service() {
    find_kubernetes_service || return 1
    case $family in IPv6) six=6 ;; *) six='' ;; esac
    case $MODE in
        ipvs) has_virtual_server ;;
        nftables)
            reason="the nftables table kube-proxy must have the Service address $service_address"
            timeout 20 nft list table "ip$six" kube-proxy 2>/dev/null | grep -qF " $service_address " ;;
        iptables)
            reason="the iptables chain KUBE-SERVICES must have the Service address $service_address"
            timeout 20 "ip${six}tables" -w 20 -t nat -S KUBE-SERVICES 2>/dev/null | grep -qF -- "-d $service_address/" ;;
    esac
}

has_virtual_server() {
    expected=$(printf '%s\n' "TCP $service" "$endpoints" | tr '\n' ' ')
    virtual_servers | canonical >rules
    actual=$(awk -v server="$service" '$1 == "TCP" && $2 == server { for (i = 4; i <= NF; i++) print $i }' rules | sort | tr '\n' ' ')
    reason="the IPVS virtual server must be '$expected' as in the API, its real servers are '$actual'"
    [ "TCP $service $actual" = "$expected" ] || return 1
    # Without it the node's own requests are answered, but not those of its pods.
    reason="kube-ipvs0 must have the Service address $service_address, or pods can't reach the Service: another program removes it (systemd-networkd, NetworkManager?); configure that program to ignore kube-ipvs0, or set rollout.healthTimeoutSeconds above ipvs.syncPeriod, after which kube-proxy restores the address"
    own_addresses | canonical | grep -qxF "address $(bracketed "$service_address")"
}

# The rules may be those of an earlier process. The metrics are this one's (pkg/proxy/metrics): a family's timestamp appears with its
# first complete synchronization. After a failure nothing may be left to do. livez doesn't mind a family that was never complete.
# kube-proxy serves both families where the node has both, IPv6 after IPv4. One that the stack doesn't know of may have Services, whose
# old rules must stay until then; but it may also be broken here.
has_synchronized() {
    for synchronized in IPv4 IPv6; do
        case $FAMILIES in *$synchronized*) unknown='' ;; *) unknown=yes ;; esac
        outcome=$(awk -v family="{ip_family=\"$synchronized\"}" -v unknown="$unknown" '
            index($1, family) && sub(/^kubeproxy_sync_proxy_rules_/, "", $1) { value[substr($1, 1, index($1, "{") - 1)] = $2 }
            END {
                failures = value["iptables_restore_failures_total"] + value["nftables_sync_failures_total"]
                if (unknown && (failures || !value["last_queued_timestamp_seconds"])) exit
                if (!value["last_timestamp_seconds"]) print "has not completed any since its start, and has failed " failures + 0 " times"
                else if (failures && value["last_timestamp_seconds"] < value["last_queued_timestamp_seconds"]) print "has failed " failures " times, and changes are waiting"
            }' metrics)
        reason="kube-proxy must complete a synchronization of its $synchronized rules: by http://$METRICS/metrics it $outcome"
        [ -z "$outcome" ] || return 1
    done
}

# A request to the Service's address, through the rules, whose certificate is verified by the cluster's CA.
answers_request() {
    reason="a TLS request to https://$service must be answered"
    answered=$(curl_as_kube_proxy --noproxy '*' -o version "https://$service/version" 2>answer.error) || { reason="$reason: $(printable <answer.error)"; return 1; }
    reason="$reason with 200, is answered with ${answered%% *}"
    [ "${answered%% *}" = 200 ]
}

serves() {
    is_running && is_healthy && is_ours && has_mode && has_version && has_synchronized && has_listeners && has_rules_for_service && answers_request
}

# Fails at the timeout, or as soon as systemd has given up or restarted kube-proxy twice. Where the start takes long, the looks themselves
# would slow it down.
wait_until_serving() {
    looks=0
    deadline=$(($(now) + HEALTH_TIMEOUT))
    is_running || :
    restarts_before=$restarts
    until serves; do
        [ "$(now)" -lt "$deadline" ] && [ $((${restarts:-0} - ${restarts_before:-0})) -lt 2 ] && [ "$active" != failed ] || { find_stranger; return 1; }
        follow_changes
        looks=$((looks + 1))
        { [ "$looks" -le 15 ] && sleep 0.2 2>/dev/null; } || sleep 1
    done
}

# A process that doesn't answer may be another one than ours: then that is the $reason.
find_stranger() {
    unanswered=$reason
    ! is_alive "$pid" || ! is_ours || reason=$unanswered
}

# A kube-proxy that exits soon after it has served must not reach the rest of the fleet (rollout.minReadySeconds).
stays_up() {
    process=$pid
    ready_until=$(($(now) + MIN_READY))
    while is_alive "$process" && [ "$(now)" -lt "$ready_until" ]; do
        sleep 1
    done
    pid='' checked_process=''
    ! is_alive "$process" || wait_until_serving || return 1
    reason="kube-proxy must stay up for $MIN_READY s once it serves (rollout.minReadySeconds), exited before"
    [ "$pid" = "$process" ]
}

# prove_serving RESTART_CAUSE: waits until kube-proxy serves and removes the rules of other modes. After a restart or a
# removal of rules kube-proxy must also stay up and still serve; after a restart only if MIN_READY isn't 0.
prove_serving() {
    wait_until_serving || return 1
    remove_rules_of_other_modes || return 1
    [ -z "$removed" ] || say "removed leftovers of another mode: $removed"
    if [ -n "$removed" ] || { [ -n "$1" ] && [ "$MIN_READY" -gt 0 ]; }; then stays_up; fi
}

# print_errors_from_journal [UNIT]: the last five different errors since this activation began, of every run, without klog's header, which ends with "] ".
print_errors_from_journal() {
    timeout 20 journalctl -u "${1:-kube-proxy}.service" --since "@$began" -o cat -n 500 2>/dev/null |
        grep -E '^[EF][0-9]{4}|[Ee]rror|err=|unknown flag|panic|Failed (to|at)' |
        awk '{ text = $0; if (/^[EF][0-9]/) text = substr(text, index(text, "] ") + 2); if (!seen[text]++) print text }' |
        tail -n 5 | printable | sed 's/^/    /'
}
