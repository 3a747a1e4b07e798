# Removes kube-proxy's rules of all modes but one from the kernel, and no rules of other programs. kube-proxy --cleanup would
# delete foreign virtual servers too, and after a change of mode kube-proxy removes only some of the old rules. The names
# are from k8s.io/kubernetes pkg/proxy: iptables/proxier.go, ipvs/proxier.go, ipvs/ipset.go, nftables/proxier.go.

# remove_rules MODE: removes all but MODE's, or all if MODE is empty. Sets $removed to what was removed, and $left to what
# could not be removed and why.
remove_rules() {
    removed='' left=''
    [ "$1" = ipvs ] || remove_virtual_servers
    [ "$1" = nftables ] || remove_tables
    remove_chains iptables "$1"
    remove_chains ip6tables "$1"
    remove_chains_of_other_backend
    # They too tell whose virtual servers are left.
    [ "$1" = ipvs ] || has_ipvs_interface || remove_sets
    [ ! -d "$root/run/$handover" ] || if clear_handover; then note_removed "table $handover"; else note_left "table $handover"; fi
}

# Whether kube-proxy has rules of any mode here. It leaves them behind when it stops.
has_rules() {
    has_ipvs_interface || timeout 60 iptables-save -t nat 2>/dev/null | grep -q '^:KUBE-SERVICES ' ||
        has_table
}

has_ipvs_interface() { ip link show dev kube-ipvs0 >/dev/null 2>&1; }

has_table() { timeout 20 nft list tables 2>/dev/null | grep -q '^table ip6\{0,1\} kube-proxy$'; }

note_removed() { removed="$removed${removed:+, }$1"; }

# note_left WHAT [WHY]: by default WHY is the error message of the program that failed to remove it.
note_left() { left="$left${left:+; }$1: ${2-$(printable <rules.error)}"; }

# The interface goes last: its addresses show which virtual servers belong to kube-proxy.
remove_virtual_servers() {
    has_ipvs_interface || return 0
    virtual_servers_of own >own.list
    if [ -s own.list ] && ! command -v ipvsadm >/dev/null; then
        note_left "kube-proxy's virtual servers" "install the package ipvsadm"
        return 0
    fi
    if [ -s own.list ]; then
        # All in one process: a large cluster has tens of thousands. It goes on after one that it can't delete.
        awk '{ print "-D", ($1 == "TCP" ? "-t" : $1 == "UDP" ? "-u" : "--sctp-service"), $2 }' own.list >dead.list
        timeout 120 ipvsadm -R <dead.list 2>rules.error || :
        note_removed "virtual servers"
        virtual_servers_of own >own.list
        if [ -s own.list ]; then
            why=$(sort -u rules.error | head -n 3 | printable | paste -s -d , -)
            note_left "virtual servers ($(wc -l <own.list), such as $(head -n 1 own.list | cut -d ' ' -f 1,2))" "${why:-ipvsadm took longer than 120 s}"
            return 0
        fi
    fi
    if timeout 20 ip link delete dev kube-ipvs0 2>rules.error; then note_removed kube-ipvs0; else note_left "kube-ipvs0"; fi
}

remove_tables() {
    command -v nft >/dev/null || return 0
    timeout 20 nft list tables 2>/dev/null | grep -x 'table ip6\{0,1\} kube-proxy' >tables || return 0
    while read -r table; do
        # shellcheck disable=SC2086 # three words
        if timeout 60 nft delete $table 2>rules.error </dev/null; then note_removed "$table"; else note_left "$table"; fi
    done <tables
}

# remove_chains iptables|ip6tables MODE. Tries again if the rules change between reading and writing.
remove_chains() {
    command -v "$1-save" >/dev/null || return 0
    for attempt in 1 2 3; do
        timeout 60 "$1-save" >saved 2>/dev/null && [ -s saved ] || return 0
        dead_chains "$2" <saved >dead
        [ -s dead ] || return 0
        if timeout 60 "$1-restore" -w 30 --noflush <dead 2>rules.error; then
            note_removed "$1 chains"
            return 0
        fi
    done
    note_left "$1 chains (tried $attempt times)"
}

# kube-proxy uses the backend of the program iptables. What another installation has left in the other one still applies.
remove_chains_of_other_backend() {
    case $(iptables --version 2>/dev/null) in
        *nf_tables*)
            [ -s "$root/proc/net/ip_tables_names" ] || [ -s "$root/proc/net/ip6_tables_names" ] || return 0
            other=legacy
            ;;
        *) other=nft ;;
    esac
    remove_chains "iptables-$other" ''
    remove_chains "ip6tables-$other" ''
}

# dead_chains MODE: reads iptables-save and prints the input for iptables-restore --noflush that deletes every chain of
# kube-proxy that MODE doesn't use, with the rules that jump to it. KUBE-FIREWALL belongs to the kubelet if there is one
# (KUBE-KUBELET-CANARY).
dead_chains() {
    awk -v mode="$1" '
        function modes(table, chain) {
            if (table == "mangle") return chain == "KUBE-PROXY-CANARY" ? "iptables" : ""
            if (chain ~ (table == "nat" ? "^KUBE-(SERVICES|POSTROUTING|MARK-MASQ)$" : "^KUBE-(FORWARD|PROXY-FIREWALL)$")) return "ipvs iptables"
            if (chain ~ (table == "nat" ? "^KUBE-(NODE-PORT|LOAD-BALANCER)$" : "^KUBE-(NODE-PORT|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER)$")) return "ipvs"
            if (chain ~ (table == "nat" ? "^KUBE-(NODEPORTS|PROXY-CANARY|(SVC|SVL|SEP|FW|EXT)-.*)$" : "^KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|PROXY-CANARY|FIREWALL)$")) return "iptables"
            return ""
        }
        # Both modes use KUBE-PROXY-FIREWALL, each with jump rules of its own.
        function other_modes(rule) {
            return mode == "ipvs" && rule ~ /"kubernetes load balancer firewall"/ || mode == "iptables" && rule ~ /"kube-proxy firewall rules"/
        }
        /^:KUBE-KUBELET-CANARY / { kubelet = 1 }
        { line[NR] = $0 }
        END {
            for (n = 1; n <= NR; n++) {
                $0 = line[n]
                if (/^\*/) { table = substr($0, 2); flushed = unlinked = deleted = ""; delete dead }
                else if (/^:/) {
                    chain = substr($1, 2)
                    used = modes(table, chain)
                    if (used == "" || mode != "" && index(used, mode) || chain == "KUBE-FIREWALL" && kubelet) continue
                    dead[chain]
                    flushed = flushed ":" chain " - [0:0]\n"
                    deleted = deleted "-X " chain "\n"
                }
                else if (/^-A / && !($2 in dead)) {
                    target = ""
                    for (i = 3; i < NF; i++) if ($i == "-j" || $i == "-g") target = $(i + 1)
                    if (target in dead || target == "KUBE-PROXY-FIREWALL" && other_modes($0)) unlinked = unlinked "-D" substr($0, 3) "\n"
                }
                else if (/^COMMIT/ && flushed unlinked != "") printf "*%s\n%s%s%sCOMMIT\n", table, flushed, unlinked, deleted
            }
        }'
}

# The names in ipset.go, which cuts those with KUBE-6- at 31 characters. kube-router has other sets that begin with KUBE-.
remove_sets() {
    command -v ipset >/dev/null || return 0
    timeout 20 ipset list -n 2>/dev/null |
        grep -E '^KUBE-(6-)?(LOOP-BACK|CLUSTER-IP|EXTERNAL-IP(-LOCAL)?|LOAD-BALANCER(-LOCAL|-FW|-SOURCE-IP|-SOURCE-CIDR?)?|NODE-PORT(-LOCAL)?-(TCP|UDP|SCTP-HASH?)|HEALTH-CHECK-NODE-PORT|IPVS-IPS)$' >sets || return 0
    while read -r set; do
        timeout 20 ipset destroy "$set" 2>rules.error || note_left "ipset $set"
    done <sets
    note_removed ipsets
}
