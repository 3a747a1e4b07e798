# Requests to the Kubernetes API as kube-proxy makes them: with the server, CA and client certificate of its kubeconfig.

# use_kubeconfig FILE: sets $api_server and $api_url, and unpacks the certificates and the key beside the delivery's copy, in memory,
# readable by root only. It never fails: after a rollback the file may be another program's, and then a request fails with the reason.
use_kubeconfig() {
    api_server='' server_name='' proxy=''
    (umask 077 && flatten_yaml <"$1" | current_context >kubeconfig.fields)
    while read -r field value; do
        case $field in
            server) api_server=$value ;;
            tls-server-name) server_name=$value ;;
            proxy-url) proxy=$value ;;
            *-data) printf '%s\n' "$value" | (umask 077 && base64 -d >"$field" 2>/dev/null) || : ;;
        esac
    done <kubeconfig.fields
    rm -f kubeconfig.fields
    prepare_curl "$api_server" "$server_name" "$proxy"
}

# Reads a kubeconfig as path=value lines and prints "KEY VALUE" for each key that is used of the current context's cluster and user.
current_context() {
    awk '
        { at = index($0, "="); value[substr($0, 1, at - 1)] = substr($0, at + 1) }
        function entry(kind, wanted,    i) {
            for (i = 0; (kind "s." i ".name") in value; i++) if (value[kind "s." i ".name"] == wanted) return kind "s." i "." kind "."
        }
        function show(where, key) { if ((where key) in value) print key, value[where key] }
        END {
            context = entry("context", value["current-context"])
            cluster = entry("cluster", value[context "cluster"])
            user = entry("user", value[context "user"])
            show(cluster, "server")
            show(cluster, "tls-server-name")
            show(cluster, "proxy-url")
            show(cluster, "certificate-authority-data")
            show(user, "client-certificate-data")
            show(user, "client-key-data")
        }'
}

# prepare_curl SERVER TLS_SERVER_NAME PROXY_URL: sets $api_url and writes curl's options to the file curl.options, so that
# curl connects as client-go does; the last two arguments may be empty. A file, because the kubeconfig of another
# deployment may have a proxy's password.
prepare_curl() {
    # A quote would end a value, and curl would take what follows for an option. A request to .invalid fails (RFC 6761).
    case $1$2$3 in *[!!-~]* | *[\"\\{}]*) api_server=https://kubeconfig.invalid && set -- "$api_server" '' '' ;; esac
    authority=${1#*://}
    authority=${authority%/}
    api_url=https://$authority
    [ -z "$2" ] || api_url=https://$(bracketed "$2")$(printf '%s' "$authority" | sed -n 's/.*\(:[0-9]*\)$/\1/p')
    (
        umask 077
        case $3 in
            # Go's socks5 lets the proxy resolve names, as curl's socks5h does; both ignore NO_PROXY.
            socks5:*) printf 'proxy = "socks5h:%s"\nnoproxy = ""\n' "${3#*:}" ;;
            ?*) printf 'proxy = "%s"\nnoproxy = ""\n' "$3" ;;
            *) printf 'noproxy = "*"\n' ;;
        esac >curl.options
        # The connection goes to the server, even if its certificate is verified for another name.
        [ -z "$2" ] || printf 'connect-to = "::%s"\nheader = "Host: %s"\n' "$authority" "$authority" >>curl.options
    )
}

# curl_as_kube_proxy -o FILE URL [-o FILE URL…]: stores each answer and prints "STATUS FILE " for it; fails without an answer.
# client-go uses the same CA and client certificate for an https proxy as for the server.
curl_as_kube_proxy() {
    curl -sS --globoff --fail-early --connect-timeout 5 --max-time 15 -w '%{http_code} %{filename_effective} ' \
        --cacert certificate-authority-data --cert client-certificate-data --key client-key-data \
        --proxy-cacert certificate-authority-data --proxy-cert client-certificate-data --proxy-key client-key-data \
        "$@"
}

# api_get -o FILE URL [-o FILE URL…]: asks for objects or lists, in one process, and adds what curl_as_kube_proxy prints to
# $statuses; 000 without an answer.
api_get() {
    answered=$(curl_as_kube_proxy -K curl.options -H 'Accept: application/yaml' "$@" 2>answer.error) || answered='000 '
    statuses=${statuses-}$answered
}

# is_found FILE: whether the answer in it has the status 200.
is_found() { case " $statuses" in *" 200 $1 "*) ;; *) return 1 ;; esac; }

# The API server's YAML (sigs.k8s.io/yaml: block style, two spaces, sequences level with their key) as path=value lines,
# such as items.0.endpoints.1.addresses.0=192.168.99.122. Lines of multi-line strings are skipped.
flatten_yaml() {
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
            # The level of a dash is between those of its key and its content: columns are doubled to make room.
            while (rest ~ /^- /) {
                while (depth && level[depth] > 2 * column + 1) depth--
                if (depth && level[depth] == 2 * column + 1) name[depth]++
                else { level[++depth] = 2 * column + 1; name[depth] = 0 }
                rest = substr(rest, 3)
                column += 2
            }
            if (match(rest, /^[^ :]+:( |$)/)) {
                while (depth && level[depth] >= 2 * column) depth--
                level[++depth] = 2 * column
                name[depth] = unquote(substr(rest, 1, index(rest, ":") - 1))
                rest = substr(rest, RLENGTH + 1)
            }
            if (rest != "") print path() "=" unquote(rest)
        }'
}
