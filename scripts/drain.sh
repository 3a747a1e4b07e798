# Open connections through IPVS, when a change of mode removes its virtual servers.

# Connections that are inside IPVS end with its virtual servers. Where new ones find the rules of the other mode first, those that are
# inside may end before: on the way to nftables before the restart, since kube-proxy itself may remove IPVS' rules then, and
# otherwise before we remove them. drain [PROCESS]: until they have ended, for $DRAIN seconds, and while PROCESS lives.
drain() {
    [ -e "$root/proc/net/ip_vs" ] && has_ipvs_interface || return 0
    # One that is just being made is established a moment later.
    [ "$DRAIN" = 0 ] || sleep 1
    drained_by=$(($(now) + DRAIN))
    count_connections
    [ "$connections" = 0 ] || [ "$DRAIN" = 0 ] || say "waiting for open connections through IPVS to end: $connections, at most $DRAIN s (rollout.connectionDrainSeconds)"
    while [ "$connections" != 0 ] && [ "$(now)" -lt "$drained_by" ]; do
        [ -z "${1-}" ] || is_alive "$1" || return 0
        sleep 1
        follow_changes
        [ "$(now)" -lt "$next_count" ] || count_connections
    done
    [ "$connections" = 0 ] || say "open connections through IPVS that are cut: $connections"
}

# Sets $connections. For each page of its list the kernel walks all connections again, which takes seconds on a node with very many.
count_connections() {
    look=$(now)
    connections=$(virtual_servers_of own established | awk '{ sum += $4 } END { print sum + 0 }')
    next_count=$(($(now) + 4 * ($(now) - look)))
}

# Once MODE serves. Without a second table new connections find the rules of MODE by now. Fails before it removes any if this kube-proxy
# exits while others end.
remove_rules_of_other_modes() {
    removed='' left=''
    if [ "$MODE" != ipvs ] && [ -z "${switch-}" ]; then
        drain "$pid"
        reason="kube-proxy must stay up while connections through IPVS end, exited before"
        is_alive "$pid" || return 1
    fi
    remove_rules "$MODE"
}
