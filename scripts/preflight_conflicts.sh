# Preflight's checks for other programs on the node that would conflict with kube-proxy or delete its rules.

# Two kube-proxies in one network namespace delete each other's rules. The other one may belong to a pod or to another unit. k3s and
# others have one inside, and hide their arguments: it is on if they listen on its ports.
check_other_kube_proxy() {
    for process in $(grep -lE '^(kube-proxy.*|k3s.*|kubelite|hyperkube)$' "$root"/proc/[0-9]*/comm 2>/dev/null); do
        process=${process%/comm}
        other=${process##*/}
        [ "$other" != "$pid" ] || continue
        name=$(printable <"$process/comm" 2>/dev/null) || continue
        group=$(group_of "$other" | printable)
        ! is_in_own_unit "$other" && may_change_rules "$process" || continue
        case $name in
            kube-proxy*) problem "no other kube-proxy may run on this node, found process $other ($group): $(way_to_stop "$other" "$group")" ;;
            *) ! listens_like_kube_proxy "$other" ||
                problem "no other kube-proxy may run on this node, process $other ($name) has one inside and listens on its ports: disable it there (k3s: disable-kube-proxy: true in /etc/rancher/k3s/config.yaml)" ;;
        esac
    done
}

# is_in_own_unit PROCESS: the unit may start kube-proxy by a shell, which is then the main process. A restart ends both. A user's own
# systemd, or one in a container, may have a unit of the same name.
is_in_own_unit() {
    own=$(systemctl show -p ControlGroup kube-proxy.service 2>/dev/null)
    [ "$own" != ControlGroup= ] && [ "$own" = "ControlGroup=$(group_of "$1")" ]
}
group_of() { sed -n '$s/.*://p' "$root/proc/$1/cgroup" 2>/dev/null; }

# Any user can give a process this name, and all capabilities in a user namespace of its own. A real one has CAP_NET_ADMIN (bit 12)
# in our namespaces.
may_change_rules() {
    for namespace in net user; do
        [ "$(readlink "$1/ns/$namespace")" = "$(readlink "$root/proc/$$/ns/$namespace")" ] || return 1
    done
    capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' "$1/status" 2>/dev/null)
    [ -z "$capabilities" ] || [ $((0x$capabilities >> 12 & 1)) = 1 ]
}

# The default ports of metrics and health.
listens_like_kube_proxy() { grep -E '^LISTEN +[0-9]+ +[0-9]+ +[^ ]*:(10249|10256) ' sockets | grep -q "pid=$1,fd=[0-9]*)) *$"; }

# way_to_stop PROCESS CGROUP: a command only if it stops this process and nothing else.
way_to_stop() {
    stopping=${2##*/}
    case $2 in *kubepods*) stopping=kubepods ;; esac
    case $stopping in
        kubepods)
            manifest=$(grep -lsE '(image|name): .*kube-proxy' "$root"/etc/kubernetes/manifests/* "$root"/var/lib/rancher/*/agent/pod-manifests/* | head -n 1)
            if [ -n "$manifest" ]; then
                printf 'remove the manifest of its static pod, %s' "${manifest#"$root"}"
            else
                printf 'if its pod belongs to the DaemonSet kube-proxy, run kubectl -n kube-system delete daemonset kube-proxy'
            fi
            ;;
        *[!A-Za-z0-9@._:/-]*) printf 'stop it' ;;
        *.service)
            if [ "$(systemctl show -p MainPID "$stopping" 2>/dev/null)" = "MainPID=$1" ]; then
                printf 'systemctl disable --now %s' "$stopping"
            else
                printf 'stop it where it was started, not with all of %s' "$stopping"
            fi
            ;;
        *) printf 'stop it' ;;
    esac
}

# kube-proxy can't start while another process uses its ports. ss prints * for a socket of both families, which is what
# kube-proxy opens for 0.0.0.0 or [::].
check_ports() {
    ip -o addr show 2>/dev/null | awk '{ sub("/.*", "", $4); print $4 }' | canonical >addresses
    for listener in "$HEALTHZ" "$METRICS"; do
        address=${listener%:*}
        address=${address#'['} && address=${address%']'}
        case $address in
            0.0.0.0 | :: | 127.* | ::1) ;;
            *) grep -qxF "$address" addresses || problem "$address must be an address of this machine, since kube-proxy listens on $listener; it has $(grep -vxE '127\..*|::1|fe80:.*' addresses | paste -s -d ' ' -): correct the node's address in kube-proxy:nodes, or the listener in kube-proxy:configuration" ;;
        esac
        owner=$(awk -v listener="$listener" -v own="pid=${pid:-0},fd=[0-9]+[)][)] *$" '
            BEGIN { port = listener; sub(/.*:/, ":", port) }
            function meets(other) {
                if (other == listener || other == "*" port || listener == "0.0.0.0" port || listener == "[::]" port) return 1
                return other == (listener ~ /^\[/ ? "[::]" : "0.0.0.0") port
            }
            $0 ~ own || substr($4, length($4) - length(port) + 1) != port { next }
            meets($4) {
                sub(/.*users:\(\(/, "")
                sub(/\).*/, "")
                print
                exit
            }' sockets)
        holder=${owner#*pid=}
        [ -z "$owner" ] || is_in_own_unit "${holder%%,*}" || problem "port $listener must be free for kube-proxy, is in use by $owner: stop that process, or choose another port in kube-proxy:configuration"
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
