# A change to or from mode nftables without a gap: while kube-proxy restarts, a second nftables table has the same rules. kube-proxy
# removes the rules of the other mode before it writes its first, but it never touches a table of another name than its own. From
# nftables the live table is copied. To nftables, the new kube-proxy writes its rules in a network namespace of its own, and they are
# copied from there. recover.sh removes all of it.

handover=kube-proxy-handover

# Sets $switch to "from nftables", "to nftables" or nothing, by the rules that are in the kernel.
find_switch() {
    switch=''
    if [ "$HANDOVER" != true ]; then
        :
    elif [ "$MODE" = nftables ]; then
        # Where an earlier change was cut off, both are there.
        { has_table && ! has_ipvs_interface; } || ! has_rules || switch='to nftables'
    elif has_table; then
        switch='from nftables'
    fi
}

# Loads the rules under the other name, or ends the stage. Until the restart this changes nothing that serves.
hand_over() {
    find_switch
    [ -n "$switch" ] || return 0
    clear_handover || refuse_switch "an earlier one must be removable: $(printable <rules.error)"
    has_free_name || refuse_switch "$reason"
    trap 'clear_handover || :' EXIT
    guard_handover || refuse_switch "systemd-run must start a timer: $(printable <run.error)"
    case $switch in
        from*)
            list_rules >handover.new && [ -s handover.new ] || refuse_switch "nft must list kube-proxy's table: $(printable <nft.error)"
            if find_kubernetes_service && ! leads_to_endpoints; then
                say "kube-proxy's nftables table is not copied: it leads to no endpoint of the Service $service, so an earlier kube-proxy has left it"
                clear_handover || :
                return 0
            fi
            ;;
        to*) write_rules || refuse_switch "$reason" ;;
    esac
    load_rules || refuse_switch "nft must accept a copy of kube-proxy's table: $(printable <nft.error | head -n 3)"
    say "a second nftables table has kube-proxy's rules while the mode changes"
}

# What an earlier run has left has its directory, too.
has_free_name() {
    reason="no other program may have an nftables table $handover: the change of mode needs the name; rename or delete it (nft list tables)"
    [ -d "$root/run/$handover" ] || ! is_loaded
}

is_loaded() { timeout 20 nft list tables 2>/dev/null | grep -q "^table ip6\{0,1\} $handover$"; }

refuse_switch() { fail "rules for the change $switch must be ready before the restart: $1; nothing was changed; fix that, or set handover: false in kube-proxy:rollout, and new connections fail during the change"; }

# If this run is killed, the timer removes what it has left: the lock is free then.
guard_handover() {
    mkdir -m 700 "$root/run/$handover"
    run_detached --unit=$handover-guard --on-active=60 --on-unit-active=60 /bin/sh "$state/recover" handover
}

run_detached() { timeout 60 systemd-run --quiet --collect "$@" 2>run.error 9>&-; }

clear_handover() { [ ! -d "$root/run/$handover" ] || sh ./recover.sh handover now 2>rules.error; }

# list_rules [COMMAND…]: prints kube-proxy's tables, as COMMAND sees them, under the other name, as one transaction that replaces them.
# While kube-ipvs0 has the Service addresses, they are also the source addresses of the node's own requests, which get no answer unless
# that is translated. Where kube-proxy can't tell what is local (no clusterCIDR of this family), only its mode ipvs does it (KUBE-CLUSTER-IP
# src,dst in pkg/proxy/ipvs/proxier.go). Packets with kube-proxy's mark are left to its own rule, which takes the mark off: an overlay
# network copies it to the outer packet, which must not be translated, too.
list_rules() {
    for table in ip ip6; do
        "$@" timeout 60 nft list tables "$table" 2>nft.error | grep -qx "table $table kube-proxy" || continue
        "$@" timeout 120 nft list table "$table" kube-proxy >listed 2>nft.error || return 1
        printf 'table %s %s\ndelete table %s %s\n' "$table" "$handover" "$table" "$handover"
        awk -v table="$table" -v name="$handover" '
            NR == 1 { sub(/ kube-proxy [{]/, " " name " {") }
            { print }
            /^\t\tjump masquerading$/ { print "\t\tct status dnat " table " saddr @cluster-ips masquerade fully-random" }
        ' listed
    done
}

# An earlier kube-proxy may have left its rules behind. They are out of date: through a copy of them no proof would be answered.
leads_to_endpoints() {
    for endpoint in $endpoints; do
        address=${endpoint%:*} && address=${address#'['} && address=${address%']'}
        ! grep -qwF "$address" handover.new || return 0
    done
    return 1
}

load_rules() {
    timeout 120 nft -c -f handover.new 2>nft.error && timeout 120 nft -f handover.new 2>nft.error && mv handover.new handover.nft
}

# A proof that fails without the second table needs it for the rollback.
resume_handover() {
    [ -e handover.nft ] && [ ! -d "$root/run/$handover" ] || return 0
    guard_handover || :
    timeout 120 nft -f handover.nft 2>nft.error || :
}

# Endpoints change while this run waits; kube-proxy in the namespace sees it. A firewall that is reloaded may flush the table. A large
# table takes seconds to list, and kube-proxy needs the processor to start.
follow_changes() {
    [ -d "$root/run/$handover" ] && [ "${switch-}" = 'to nftables' ] || return 0
    look=$(now)
    [ "$look" -ge "${next_look:-0}" ] || return 0
    list_rules in_namespace >handover.new && [ -s handover.new ] && ! { cmp -s handover.new handover.nft && is_loaded; } && load_rules || :
    next_look=$(($(now) + 2 + 4 * ($(now) - look)))
}
