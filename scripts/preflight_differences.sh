# What a node that changes its mode will do differently: warnings of preflight, since it is a matter of judgement. All of it is read from
# what is there now, and lists are sorted, so that nodes with the same difference have the same message.
# https://kubernetes.io/docs/reference/networking/virtual-ips/#migrating-from-iptables-mode-to-nftables

warn_of_differences() {
    find_present_mode
    case "$present $MODE" in 'ipvs iptables' | 'ipvs nftables') warn_of_leaving_ipvs ;; esac
    case "$present $MODE" in 'ipvs nftables' | 'iptables nftables') warn_of_nftables ;; esac
}

# Sets $present to the mode whose rules are in the kernel; nothing for nftables, which has nothing to warn of.
find_present_mode() {
    present=''
    if [ "$MODE" = ipvs ]; then
        :
    elif has_ipvs_interface; then
        present=ipvs
    elif [ "$MODE" = nftables ] && ! has_table && timeout 60 iptables-save -t nat 2>/dev/null >nat.rules && grep -q '^:KUBE-SERVICES ' nat.rules; then
        present=iptables
    fi
}

# some_of FILE: its first five lines, as a list.
some_of() { printable <"$1" | awk 'NR <= 5 { list = list (NR > 1 ? ", " : "") $0 } END { print list (NR > 5 ? " and " NR - 5 " more" : "") }'; }

warn_of_leaving_ipvs() {
    virtual_servers_of own | canonical >own.list
    schedulers=$(awk '$3 != "rr" && !seen[$3]++ { print $3 }' own.list | sort | paste -s -d ' ' -)
    [ -z "$schedulers" ] || warning "IPVS uses the scheduler $schedulers here: mode $MODE always chooses at random"
    [ "$(kernel_setting net/ipv4/conf/all/arp_ignore)" != 1 ] || [ "$(kernel_setting net/ipv4/conf/all/arp_announce)" != 2 ] ||
        warning "net.ipv4.conf.all.arp_ignore is 1 and arp_announce is 2, perhaps by ipvs.strictARP: mode $MODE doesn't need that and leaves it as it is"
    own_addresses | cut -d ' ' -f 2 | tr -d '[]' | canonical >service-addresses.list
    [ ! -s service-addresses.list ] || warning "Service addresses answer ping: in mode $MODE only their Services' ports answer"
    warn_of_listeners
    timeouts=$(awk '/^[^ #]/ { section = $1 } section == "ipvs:" && /^ +(tcp|tcpFin|udp)Timeout:/ && $2 !~ /^["\047]?0/ { sub(/:.*/, "", $1); print $1 }' "$live_configuration" 2>/dev/null | sort | paste -s -d ' ' -)
    [ -z "$timeouts" ] || warning "kube-proxy's configuration sets $timeouts of ipvs: in mode $MODE the timeouts of conntrack apply (sysctl -a | grep nf_conntrack_.*timeout)"
}

# They keep their sockets, but get no connection any more, and can't bind the address again.
warn_of_listeners() {
    awk -v own="pid=${pid:-0}," '
        NR == FNR { service[$1]; next }
        {
            address = $4
            sub(/:[0-9]+$/, "", address)
            sub(/%.*/, "", address)
            gsub(/[][]/, "", address)
        }
        address in service && !index($0, own) {
            listener = $4
            sub(/.*users:\(\("/, "")
            sub(/",pid=.*/, "")
            print $0 " at " listener
        }' service-addresses.list sockets | sort -u >listeners.list
    [ ! -s listeners.list ] ||
        warning "programs listen at Service addresses: $(some_of listeners.list); in mode $MODE no interface has these addresses: let them listen at another one"
}

warn_of_nftables() {
    case $present in ipvs) node_port_addresses_of_ipvs ;; iptables) node_port_addresses_of_iptables ;; esac | sort >addresses.list
    # With nodePortAddresses the stack has said where node ports answer.
    [ ! -s addresses.list ] || grep -q '^nodePortAddresses:' files/kube-proxy-config.yaml ||
        warning "node ports answer at $(some_of addresses.list) too: in mode nftables only at the node's primary address (one for each IP family), unless nodePortAddresses in kube-proxy:configuration says otherwise"
    [ "$present" != iptables ] || [ "$(kernel_setting net/ipv4/conf/all/route_localnet)" != 1 ] || ! answers_node_ports 127.0.0.0/8 ||
        warning "node ports answer at 127.0.0.1: not in mode nftables; who uses them is in kube-proxy's metric kubeproxy_iptables_localhost_nodeports_accepted_packets_total, if it isn't 0"
    is_at_least "$release" 6.1 || [ "$(kernel_setting net/netfilter/nf_conntrack_tcp_be_liberal)" = 1 ] || grep -q '^ *tcpBeLiberal: true' files/kube-proxy-config.yaml ||
        warning "Linux before 6.1 may reset long connections through Services, and mode nftables has no workaround by default; this node has $release: set conntrack.tcpBeLiberal: true in kube-proxy:configuration"
    warn_of_firewalls
    warn_of_network_plugins
}

primary_address() { sed -n 's/^bindAddress: *//p' files/kube-proxy-config.yaml | tr -d "\"'" | canonical; }

node_port_addresses_of_ipvs() {
    own_ports | cat - own.list | awk -v primary="$(primary_address)" '
        $1 == "port" { ports[$2 " " $3]; next }
        {
            address = port = $2
            sub(/:[0-9]+$/, "", address)
            sub(/.*:/, "", port)
            gsub(/[][]/, "", address)
            if (($1 " " port) in ports && address != primary && !seen[address]++) print address
        }'
}

node_port_addresses_of_iptables() {
    answers_node_ports '' || return 0
    grep -vxE "127\..*|.*:.*|$(primary_address)" addresses || :
}

# answers_node_ports EXCEPT: whether mode iptables answers node ports at all of the node's IPv4 addresses, but for those in EXCEPT.
answers_node_ports() {
    grep -q '^-A KUBE-NODEPORTS ' nat.rules &&
        grep -- '--dst-type LOCAL -j KUBE-NODEPORTS$' nat.rules | grep -qvF "! -d ${1:-none}"
}

# Modes ipvs and iptables accept their packets in iptables' table filter (KUBE-FORWARD); no rule of mode nftables can do that in another
# table. To IPVS a request is input, then output: a firewall's rules for forwarding see it for the first time. What accepts all that
# was translated, as firewalld does, is no obstacle.
warn_of_firewalls() {
    timeout 60 iptables-save -t filter >filter.rules 2>/dev/null || :
    timeout 60 ip6tables-save -t filter >filter6.rules 2>/dev/null || :
    {
        for rules in filter filter6; do
            awk -v name="ip${rules#filter}tables (chain FORWARD)" '
                /^:FORWARD DROP / || /^-A FORWARD -j (DROP|REJECT)/ { drops = 1 }
                /^-A FORWARD .*--ctstate [A-Z,]*DNAT[A-Z,]* -j ACCEPT$/ { accepts = 1 }
                END { if (drops && !accepts) print name }' $rules.rules
        done
        : >forward.list
        [ "$present" != ipvs ] || timeout 20 nft list chains 2>/dev/null | awk '
            $1 == "table" { table = $2 " " $3 }
            $1 == "chain" { chain = table " " $2 }
            /hook forward/ && chain ~ /^(ip|ip6|inet) / && chain !~ /^ip6? (filter FORWARD|kube-proxy.*)$/ { print chain }' >forward.list
        while read -r family table chain; do
            timeout 20 nft list chain "$family" "$table" "$chain" 2>/dev/null </dev/null | awk -v name="nftables ($family $table, chain $chain)" '
                /policy drop;/ || /^[ \t]*(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject( .*)?)$/ { drops = 1 }
                /ct status dnat .*accept/ { accepts = 1 }
                END { if (drops && !accepts) print name }'
        done <forward.list
    } | sort >firewalls.list
    [ ! -s firewalls.list ] ||
        warning "forwarded packets are dropped by $(some_of firewalls.list) unless a rule there accepts them: in mode nftables all Service traffic is forwarded, and kube-proxy adds no such rule, so let the firewall accept traffic of pods and Services"
}

# Links and chains that only root can make. https://docs.tigera.io/calico/latest/getting-started/kubernetes/nftables
warn_of_network_plugins() {
    ls "$root/sys/class/net" >links 2>/dev/null || :
    if grep -qE '^(cali[0-9a-f]{11}|vxlan\.calico)$' links && ! timeout 20 nft list tables 2>/dev/null | grep -qE '^table ip6? calico$'; then
        warning "Calico runs here with iptables: beside kube-proxy in mode nftables it needs nftables too: Calico 3.29 or newer, nftablesMode in its FelixConfiguration (docs.tigera.io, Calico nftables data plane)"
    fi
    for plugin in $(grep -qx cilium_host links && echo Cilium) $({ grep -qx kube-bridge links || grep -q '^:KUBE-ROUTER-' filter.rules; } && echo kube-router); do
        warning "$plugin runs here: ask its documentation whether your version works beside kube-proxy in mode nftables"
    done
}
