# The Kubernetes API as kube-proxy itself sees it: with the server, CA and client certificate of a kubeconfig.

# use_kubeconfig FILE: the keys are unpacked beside the payload, in memory, readable by root only.
use_kubeconfig() {
    for field in certificate-authority-data client-certificate-data client-key-data; do
        sed -n "s/^ *$field: *//p" "$1" | tr -d '"' | (umask 077 && base64 -d >"$field")
    done
    api_server=$(sed -n 's/^ *server: *//p' "$1" | tr -d "\"'")
}

# request URL [curl's options]: prints the body, then the HTTP status on a line of its own; fails where nobody answers.
request() {
    url=$1
    shift
    curl -sS --noproxy '*' --connect-timeout 5 --max-time 15 --cacert certificate-authority-data \
        --cert client-certificate-data --key client-key-data -w '\n%{http_code}\n' "$@" "$url"
}

# api PATH: the YAML of an object or list as lines path=value; leaves the HTTP status in $http_status.
api() {
    if ! request "$api_server$1" -H 'Accept: application/yaml' >answer 2>answer.error; then
        http_status=0
        return 1
    fi
    http_status=$(tail -n 1 answer)
    [ "$http_status" = 200 ] && sed '$d' answer | flatten
}

# The API server's YAML (sigs.k8s.io/yaml: block style, two spaces, sequences level with their key) as path=value lines,
# such as items.0.endpoints.1.addresses.0=192.168.99.122. Lines of multi-line strings are passed over.
flatten() {
    awk '
        function path(    i, text) {
            for (i = 1; i <= depth; i++) text = text (i > 1 ? "." : "") name[i]
            return text
        }
        function unquote(text) {
            if (text ~ /^".*"$/ || text ~ /^\047.*\047$/) return substr(text, 2, length(text) - 2)
            return text
        }
        {
            match($0, /^ */)
            column = RLENGTH
            rest = substr($0, column + 1)
            # A dash stands between the column of its key and that of its content: columns are doubled to make room.
            while (rest ~ /^- /) {
                while (depth && level[depth] > 2 * column + 1) depth--
                if (depth && level[depth] == 2 * column + 1) name[depth]++
                else { depth++; level[depth] = 2 * column + 1; name[depth] = 0 }
                rest = substr(rest, 3)
                column += 2
            }
            if (match(rest, /^[^ :]+:( |$)/)) {
                while (depth && level[depth] >= 2 * column) depth--
                depth++
                level[depth] = 2 * column
                key = substr(rest, 1, RLENGTH)
                rest = substr(rest, RLENGTH + 1)
                sub(/: ?$/, "", key)
                name[depth] = unquote(key)
            }
            if (rest != "") print path() "=" unquote(rest)
        }'
}
