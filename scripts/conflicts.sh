# Preflight's questions about what else is on the node: whoever would fight with kube-proxy, or wipe its rules.

# Two of them would take each other's rules away: a DaemonSet's, another unit's, or the one within k3s.
check_other_kube_proxy() {
    own=$(service_property MainPID)
    for pid in $(grep -lx kube-proxy "$root"/proc/[0-9]*/comm 2>/dev/null | sed 's,/comm$,,; s,.*/,,'); do
        [ "$pid" != "$own" ] || continue
        group=$(sed -n '$s/.*://p' "$root/proc/$pid/cgroup" 2>/dev/null || :)
        case $group in
            *kubepods*) way="remove its DaemonSet (kubectl -n kube-system delete daemonset kube-proxy)" ;;
            *.service) way="systemctl disable --now ${group##*/}" ;;
            *) way="stop it" ;;
        esac
        problem "no other kube-proxy must run here, there is process $pid ($group): $way"
    done
    for comm in $(grep -l '^k3s' "$root"/proc/[0-9]*/comm 2>/dev/null); do
        tr '\0' ' ' <"${comm%/comm}/cmdline" | grep -q -- --disable-kube-proxy ||
            problem "no other kube-proxy must run here, k3s has one of its own: start k3s with --disable-kube-proxy"
    done
}

# A port that someone else holds would keep kube-proxy from starting. ss prints * where a socket takes both families, as
# one of kube-proxy's does on 0.0.0.0 or [::].
check_ports() {
    pid=$(service_property MainPID)
    for listener in "$HEALTHZ" "$METRICS"; do
        owner=$(timeout 20 ss -Hltnp | awk -v listener="$listener" -v own="pid=${pid:-0}," '
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
            }')
        [ -z "$owner" ] || problem "port $listener must be free for kube-proxy, it is held by $owner: stop that process, or choose another port in kube-proxy:configuration"
    done
}

check_firewall_managers() {
    for unit in firewalld netfilter-persistent nftables; do
        timeout 20 systemctl is-active --quiet "$unit.service" 2>/dev/null || continue
        [ "$unit" != nftables ] || grep -qs '^ *flush ruleset' "$root/etc/nftables.conf" || continue
        warning "$unit wipes kube-proxy's rules when it is restarted or reloads: let it leave them alone, or restart kube-proxy after it (systemctl restart kube-proxy)"
    done
}

# Upstream removes them all when it starts in mode nftables, and in mode ipvs whenever it writes its rules.
check_foreign_virtual_servers() {
    [ "$REMOVE_FOREIGN_VIRTUAL_SERVERS" = false ] || return 0
    case $MODE in
        ipvs) virtual_servers_of foreign | outside_cidrs "$EXCLUDE_CIDRS" ;;
        nftables) virtual_servers_of foreign ;;
    esac >foreign.list
    [ -s foreign.list ] || return 0
    listed=$(head -n 5 foreign.list | cut -d ' ' -f 1,2 | canonical | paste -s -d , -)
    case $MODE in
        ipvs) way="list their addresses in ipvs.excludeCIDRs of kube-proxy:configuration" ;;
        *) way="choose mode iptables, or mode ipvs with ipvs.excludeCIDRs" ;;
    esac
    problem "IPVS virtual servers that aren't kube-proxy's must not be lost: in mode $MODE it would remove $(wc -l <foreign.list) of them ($listed): $way, or let them go with removeForeignVirtualServers: true in kube-proxy:rollout"
}
