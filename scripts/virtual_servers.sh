# The kernel's IPVS virtual servers and their owner. In mode ipvs kube-proxy adds every Service address to the interface
# kube-ipvs0 and keeps its node ports in ipsets (k8s.io/kubernetes pkg/proxy/ipvs); all other virtual servers are foreign.

# Prints /proc/net/ip_vs with readable addresses: "TCP 10.0.0.1:443 rr 192.168.99.121:6443 …". Real servers with weight 0
# get no traffic and are left out. With the argument `established` it prints the number of established connections instead of real
# servers. The kernel's own ActiveConn also counts old connections whose ports a new one has that doesn't go through IPVS.
virtual_servers() {
    [ -e "$root/proc/net/ip_vs" ] || return 0
    awk -v counted="${1-}" '
        function number(hex,    i, value) {
            for (i = 1; i <= length(hex); i++) value = value * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
            return value
        }
        function address(text,    colon) {
            if ($1 == "FWM") return text
            colon = match(text, /:[0-9A-F]+$/)
            if (colon != 9) return substr(text, 1, colon) number(substr(text, colon + 1))
            return number(substr(text, 1, 2)) "." number(substr(text, 3, 2)) "." number(substr(text, 5, 2)) "." number(substr(text, 7, 2)) ":" number(substr(text, 10))
        }
        function flush() {
            if (line) print line
        }
        FILENAME ~ /ip_vs_conn$/ { if ($8 == "ESTABLISHED") established[$1 " " ($4 ~ /:/ ? "[" $4 "]" : $4) ":" $5]++; next }
        FNR <= 3 { next }
        $1 == "->" { if ($4 > 0 && !counted) line = line " " address($2); next }
        { flush(); line = $1 " " address($2) " " $3 (counted ? " " established[$1 " " $2] + 0 : "") }
        END { flush() }' ${1:+"$root/proc/net/ip_vs_conn"} "$root/proc/net/ip_vs"
}

# What kube-proxy's virtual servers have: "address 10.0.0.1", "address [fd00:0000:…:0001]", "port TCP 30080".
own_addresses() {
    ip -o -4 addr show dev kube-ipvs0 2>/dev/null | awk '{ sub("/.*", "", $4); print "address", $4 }'
    awk '$6 == "kube-ipvs0" { gsub(/..../, "&:", $1); sub(/:$/, "", $1); print "address [" $1 "]" }' "$root/proc/net/if_inet6" 2>/dev/null || :
}

own_ports() {
    for set in TCP UDP SCTP-HASH; do
        timeout 20 ipset save "KUBE-NODE-PORT-$set" 2>/dev/null
        timeout 20 ipset save "KUBE-6-NODE-PORT-$set" 2>/dev/null
    done | awk '$1 == "add" { match($2, /(TCP|UDP|SCTP)/); sub(/.*:/, "", $3); print "port", substr($2, RSTART, RLENGTH), $3 }'
}

# virtual_servers_of own|foreign [established]: the lines of virtual_servers that belong to kube-proxy, or the others.
virtual_servers_of() {
    [ -e "$root/proc/net/ip_vs" ] || return 0
    { own_addresses; own_ports; virtual_servers "${2-}"; } | awk -v wanted="$1" '
        $1 == "address" || $1 == "port" { own[$2 " " $3]; next }
        {
            address = port = $2
            sub(/:[0-9]+$/, "", address)
            sub(/.*:/, "", port)
            owner = $1 != "FWM" && ((address " ") in own || ($1 " " port) in own) ? "own" : "foreign"
            if (owner == wanted) print
        }'
}

# outside_cidrs BLOCKS: the lines of foreign virtual servers that kube-proxy would remove in mode ipvs. It keeps those in
# ipvs.excludeCIDRs, here in hexadecimal digits ("0A000000/8 FD00…/64"), and those of a firewall mark.
outside_cidrs() {
    awk -v blocks="$1" '
        function bits(hex,    i, text) {
            for (i = 1; i <= length(hex); i++)
                text = text substr("0000000100100011010001010110011110001001101010111100110111101111", 4 * index("0123456789ABCDEF", substr(hex, i, 1)) - 3, 4)
            return text
        }
        function digits(address,    part) {
            if (split(address, part, ".") == 4) return sprintf("%02X%02X%02X%02X", part[1], part[2], part[3], part[4])
            gsub(/[^0-9a-fA-F]/, "", address)
            return toupper(address)
        }
        BEGIN { count = split(blocks, block, " ") }
        $1 == "FWM" { next }
        {
            hex = $2
            sub(/:[0-9]+$/, "", hex)
            hex = digits(hex)
            for (i = 1; i <= count; i++) {
                split(block[i], part, "/")
                if (length(part[1]) == length(hex) && substr(bits(hex), 1, part[2]) == substr(bits(part[1]), 1, part[2])) next
            }
            print
        }'
}
