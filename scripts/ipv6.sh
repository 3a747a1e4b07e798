# IPv6 addresses in their canonical form (RFC 5952), in which kube-proxy, ss, nft and iptables print them. The API may have
# another form, and the kernel's list of virtual servers has all digits.

# Rewrites the IPv6 address in each word of standard input: [fd00:0010:0000:…:0001]:443 becomes [fd00:10::1]:443.
canonical() {
    awk '
        function short(address,    colons, zeros, i, group, text, run, at) {
            colons = gsub(/:/, ":", address)
            for (i = colons; i <= 7; i++) zeros = zeros ":0"
            sub(/::/, zeros ":", address)
            split(tolower(address), group, ":")
            text = ":"
            for (i = 1; i <= 8; i++) {
                sub(/^0+/, "", group[i])
                text = text (group[i] == "" ? 0 : group[i]) ":"
            }
            # :: replaces the longest run of zeros, the first of equally long ones, never a single zero.
            for (run = 8; run > 1; run--) {
                zeros = substr(":0:0:0:0:0:0:0:0", 1, 2 * run) ":"
                if (at = index(text, zeros)) {
                    text = substr(text, 1, at - 1) "::" substr(text, at + length(zeros))
                    break
                }
            }
            if (text ~ /^:[^:]/) text = substr(text, 2)
            if (text ~ /[^:]:$/) text = substr(text, 1, length(text) - 1)
            return text
        }
        {
            for (i = 1; i <= NF; i++)
                if (match($i, /[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f]*/))
                    $i = substr($i, 1, RSTART - 1) short(substr($i, RSTART, RLENGTH)) substr($i, RSTART + RLENGTH)
            print
        }'
}

# The form of an address before a port.
bracketed() {
    case $1 in *:*) printf '[%s]' "$1" ;; *) printf '%s' "$1" ;; esac
}
