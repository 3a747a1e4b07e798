# What a node that leaves ipvs for nftables will do differently: warnings of preflight, since it is a matter of judgement.

warn_of_differences() {
    [ "$MODE" = nftables ] && ip link show dev kube-ipvs0 >/dev/null 2>&1 || return 0
    virtual_servers_of own | canonical >own.list
    warn_of_node_ports
    schedulers=$(awk '$3 != "rr" && !seen[$3]++ { print $3 }' own.list | paste -s -d ' ' -)
    [ -z "$schedulers" ] || warning "IPVS uses the scheduler $schedulers here: mode nftables always chooses at random"
    [ "$(kernel_setting net/ipv4/conf/all/arp_ignore)" != 1 ] || [ "$(kernel_setting net/ipv4/conf/all/arp_announce)" != 2 ] ||
        warning "net.ipv4.conf.all.arp_ignore is 1 and arp_announce is 2, perhaps by ipvs.strictARP: mode nftables doesn't need that and leaves it as it is"
}

# With nodePortAddresses the stack has said where node ports answer.
warn_of_node_ports() {
    ! grep -q '^nodePortAddresses:' files/kube-proxy-config.yaml || return 0
    primary=$(sed -n 's/^bindAddress: *//p' files/kube-proxy-config.yaml | tr -d "\"'" | canonical)
    own_ports | cat - own.list | awk -v primary="$primary" '
        $1 == "port" { ports[$2 " " $3]; next }
        {
            address = port = $2
            sub(/:[0-9]+$/, "", address)
            sub(/.*:/, "", port)
            gsub(/[][]/, "", address)
            if (($1 " " port) in ports && address != primary && !seen[address]++) print address
        }' >addresses.list
    [ ! -s addresses.list ] ||
        warning "node ports answer at $(head -n 5 addresses.list | paste -s -d ' ' -) too: in mode nftables only at the node's primary address (one for each IP family), unless nodePortAddresses in kube-proxy:configuration says otherwise"
}
