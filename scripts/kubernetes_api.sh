# Requests to the Kubernetes API as kube-proxy makes them: with the server, CA and client certificate of its kubeconfig.

# use_kubeconfig FILE: sets $api_server and $api_url, and unpacks the certificates and the key beside the delivery's copy, in memory,
# readable by root only.
use_kubeconfig() {
    for field in certificate-authority-data client-certificate-data client-key-data; do
        kubeconfig_field "$field" "$1" | (umask 077 && base64 -d >"$field")
    done
    api_server=$(kubeconfig_field server "$1")
    prepare_curl "$api_server" "$(kubeconfig_field tls-server-name "$1")" "$(kubeconfig_field proxy-url "$1")"
}

kubeconfig_field() { sed -n "s/^ *$1: *//p" "$2" | tr -d "\"'"; }

# prepare_curl SERVER TLS_SERVER_NAME PROXY_URL: sets $api_url and writes curl's options to the file curl.options, so that
# curl connects as client-go does; the last two arguments may be empty. A file, because the kubeconfig of another
# deployment may have a proxy's password.
prepare_curl() {
    authority=${1#*://}
    authority=${authority%/}
    api_url=https://$authority
    [ -z "$2" ] || api_url=https://$(bracketed "$2")$(printf '%s' "$authority" | sed -n 's/.*\(:[0-9]*\)$/\1/p')
    (
        umask 077
        if [ -n "$3" ]; then
            # Go's socks5 lets the proxy resolve names, as curl's socks5h does; both ignore NO_PROXY.
            printf 'proxy = "%s"\nnoproxy = ""\n' "$(printf '%s' "$3" | sed 's,^socks5:,socks5h:,')"
        else
            printf 'noproxy = "*"\n'
        fi >curl.options
        # The connection goes to the server, even if its certificate is verified for another name.
        [ -z "$2" ] || printf 'connect-to = "::%s"\nheader = "Host: %s"\n' "$authority" "$authority" >>curl.options
    )
}

# curl_as_kube_proxy URL [OPTION…]: prints the body, then the HTTP status on a line of its own; fails without an answer.
# client-go uses the same CA and client certificate for an https proxy as for the server.
curl_as_kube_proxy() {
    url=$1
    shift
    curl -sS --connect-timeout 5 --max-time 15 -w '\n%{http_code}\n' \
        --cacert certificate-authority-data --cert client-certificate-data --key client-key-data \
        --proxy-cacert certificate-authority-data --proxy-cert client-certificate-data --proxy-key client-key-data \
        "$@" "$url"
}

# api_get PATH: prints an object or a list as path=value lines. Sets $http_status; 0 without an answer.
api_get() {
    if ! curl_as_kube_proxy "$api_url$1" -K curl.options -H 'Accept: application/yaml' >answer 2>answer.error; then
        http_status=0
        return 1
    fi
    http_status=$(tail -n 1 answer)
    [ "$http_status" = 200 ] && sed '$d' answer | flatten_yaml
}

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
