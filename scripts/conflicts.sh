# Preflight's checks for other programs on the node that would conflict with kube-proxy or delete its rules.

# Two kube-proxies delete each other's rules. The other one may belong to a DaemonSet, to another unit or to k3s.
check_other_kube_proxy() {
    for process in $(grep -lE '^(kube-proxy$|k3s)' "$root"/proc/[0-9]*/comm 2>/dev/null); do
        process=${process%/comm}
        other=${process##*/}
        [ "$other" != "$pid" ] || continue
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        if [ "$name" != kube-proxy ]; then
            tr '\0' ' ' <"$process/cmdline" | grep -q -- --disable-kube-proxy ||
                problem "no other kube-proxy may run on this node, k3s has one built in: start k3s with --disable-kube-proxy"
            continue
        fi
        group=$(sed -n '$s/.*://p' "$process/cgroup" 2>/dev/null || :)
        case $group in
            *kubepods*) way="remove its DaemonSet (kubectl -n kube-system delete daemonset kube-proxy)" ;;
            *.service) way="systemctl disable --now ${group##*/}" ;;
            *) way="stop it" ;;
        esac
        problem "no other kube-proxy may run on this node, found process $other ($group): $way"
    done
}

# kube-proxy can't start while another process uses its ports. ss prints * for a socket of both families, which is what
# kube-proxy opens for 0.0.0.0 or [::].
check_ports() {
    timeout 20 ss -Hltnp >sockets || :
    for listener in "$HEALTHZ" "$METRICS"; do
        owner=$(awk -v listener="$listener" -v own="pid=${pid:-0}," '
            BEGIN { port = listener; sub(/.*:/, ":", port) }
            function meets(other) {
                if (other == listener || other == "*" port || listener == "0.0.0.0" port || listener == "[::]" port) return 1
                return other == (listener ~ /^\[/ ? "[::]" : "0.0.0.0") port
            }
            index($0, own) || substr($4, length($4) - length(port) + 1) != port { next }
            meets($4) {
                sub(/.*users:\(\(/, "")
                sub(/\).*/, "")
                print
                exit
            }' sockets)
        [ -z "$owner" ] || problem "port $listener must be free for kube-proxy, is in use by $owner: stop that process, or choose another port in kube-proxy:configuration"
    done
}

check_firewall_managers() {
    systemctl is-active firewalld.service netfilter-persistent.service nftables.service >units 2>/dev/null || :
    for unit in firewalld netfilter-persistent nftables; do
        read -r answer && [ "$answer" = active ] || continue
        [ "$unit" != nftables ] || grep -qs '^ *flush ruleset' "$root/etc/nftables.conf" || continue
        warning "$unit deletes kube-proxy's rules when it restarts or reloads: configure it to keep them, or restart kube-proxy after it (systemctl restart kube-proxy)"
    done <units
}

# kube-proxy removes foreign virtual servers when it starts in mode nftables, and whenever it writes its rules in mode ipvs.
check_foreign_virtual_servers() {
    [ "$REMOVE_FOREIGN_VIRTUAL_SERVERS" = false ] || return 0
    case $MODE in
        ipvs) virtual_servers_of foreign | outside_cidrs "$EXCLUDE_CIDRS" ;;
        nftables) virtual_servers_of foreign ;;
    esac >foreign.list
    [ -s foreign.list ] || return 0
    listed=$(head -n 5 foreign.list | cut -d ' ' -f 1,2 | canonical | paste -s -d , -)
    case $MODE in
        ipvs) way="add their addresses to ipvs.excludeCIDRs in kube-proxy:configuration" ;;
        *) way="choose mode iptables, or mode ipvs with ipvs.excludeCIDRs" ;;
    esac
    problem "IPVS virtual servers of other programs must be kept: in mode $MODE kube-proxy would remove $(wc -l <foreign.list) of them ($listed): $way, or allow it with removeForeignVirtualServers: true in kube-proxy:rollout"
}
