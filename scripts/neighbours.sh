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
    for comm in "$root"/proc/[0-9]*/comm; do
        case $(cat "$comm" 2>/dev/null) in k3s*) ;; *) continue ;; esac
        tr '\0' ' ' <"${comm%/comm}/cmdline" | grep -q -- --disable-kube-proxy ||
            problem "no other kube-proxy must run here, k3s has one of its own: start k3s with --disable-kube-proxy"
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
        ipvs) virtual_servers_of foreign | outside_of "$EXCLUDE_CIDRS" ;;
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

# kube-proxy asks for IPv6 and goes on without it; forwarding it turns on only for IPv4, in mode ipvs. The bridge plugin's
# pods reach Services through br_netfilter.
check_kernel_settings() {
    case $FAMILIES in *IPv6*)
        [ -e "$root/proc/net/if_inet6" ] && [ "$(kernel_setting net/ipv6/conf/all/disable_ipv6)" != 1 ] ||
            problem "the kernel must have IPv6 for the cluster's pods and Services, it is off: sysctl -w net.ipv6.conf.all.disable_ipv6=0, and in /etc/sysctl.d; or boot without ipv6.disable=1"
        ;;
    esac
    for family in $FAMILIES; do
        case $family in
            IPv4) forwarding=net/ipv4/ip_forward bridged=net/bridge/bridge-nf-call-iptables ;;
            IPv6) forwarding=net/ipv6/conf/all/forwarding bridged=net/bridge/bridge-nf-call-ip6tables ;;
        esac
        [ "$MODE $family" = "ipvs IPv4" ] || [ "$(kernel_setting $forwarding)" != 0 ] ||
            warning "$(dotted $forwarding) is 0, pods behind Services can't be reached through this node: sysctl -w $(dotted $forwarding)=1, and in /etc/sysctl.d"
        for bridge in cni0 cbr0; do
            [ ! -e "$root/sys/class/net/$bridge/bridge" ] || [ "$(kernel_setting $bridged)" = 1 ] ||
                warning "pods on the bridge $bridge don't reach each other through Services of $family without br_netfilter: modprobe br_netfilter, and in /etc/modules-load.d; sysctl -w $(dotted $bridged)=1"
        done
    done
}

kernel_setting() { cat "$root/proc/sys/$1" 2>/dev/null || :; }
dotted() { printf '%s' "$1" | tr / .; }

# Certificates are valid from a moment on; the header Date of any answer will do, so nothing is trusted here.
check_clock() {
    find_way "$SERVER" "$TLS_SERVER_NAME" "$PROXY_URL"
    answered=$(curl -sk -K way --proxy-insecure --connect-timeout 5 --max-time 10 -o /dev/null -D - "$api_url/livez" 2>/dev/null | tr -d '\r' | sed -n 's/^[Dd]ate: //p')
    [ -n "$answered" ] || return 0
    ahead=$(($(date +%s) - $(date -d "$answered" +%s)))
    [ "${ahead#-}" -le 60 ] || problem "the node's clock must be right: it is ${ahead#-} s $([ "$ahead" -gt 0 ] && echo ahead of || echo behind) the API server's: set it (timedatectl set-ntp true)"
}
