# Stages 2 and 3: load kernel modules, obtain the binary, verify the new generation and store it beside the live one.
# Changes nothing that the running kube-proxy reads.
. ./common.sh
. ./ipv6.sh
. ./kubernetes_api.sh
. ./kubernetes_service.sh
. ./binary.sh

load_modules() {
    while read -r module; do
        has_module "$module" || modprobe "$module" 2>modprobe.error || fail "kernel module $module must load for mode $MODE: $(printable <modprobe.error); see dmesg"
    done <files/modules
}

# The generation's name is the digest of its files.
verify_arrival() {
    arrived=$(cd files && sha256sum -- * | sha256sum)
    [ "${arrived%% *}" = "$GENERATION" ] || fail "the files must arrive intact: their digest must be $GENERATION, is ${arrived%% *}; run pulumi up again"
}

# Preflight has asked a preinstalled one.
verify_version() {
    [ "$BINARY_SOURCE" != preinstalled ] || return 0
    found=$(version_of "$staged_binary")
    [ "$found" = "$VERSION" ] || fail "the binary must be kube-proxy $VERSION, reports '${found:-nothing}'; check kube-proxy:binary"
}

# The new binary reads the configuration as it will when it starts. It only logs an unknown field and ignores it ("lenient
# decoding"); here that is an error.
verify_configuration() {
    timeout 60 "$staged_binary" --config files/kube-proxy-config.yaml --write-config-to /dev/null >validation 2>&1 ||
        fail "kube-proxy $VERSION rejects the configuration: $(grep -v '^ *$' validation | printable | tail -n 3); change kube-proxy:configuration"
    ! grep -i 'lenient decoding' validation >lenient ||
        fail "kube-proxy $VERSION doesn't recognize a field of the configuration and would ignore it: $(printable <lenient | head -n 1); change kube-proxy:configuration"
}

# With the new kubeconfig, before it is live: the API server answers, accepts the certificate, and has the Node and the
# Service that the activation will be proven with.
verify_api_access() {
    use_kubeconfig files/kube-proxy.kubeconfig
    clock=$(date +%s)
    [ "$clock" -ge "$NOT_BEFORE" ] || fail "the node's clock must be right: it shows $(date -u), the client certificate is valid from $(date -u -d "@$NOT_BEFORE"); set the clock (timedatectl)"
    [ "$clock" -lt "$NOT_AFTER" ] || fail "the client certificate must be valid: it expired $(date -u -d "@$NOT_AFTER"), the node's clock shows $(date -u); set the clock, or run pulumi up to renew the certificate"
    for tried in 1 2 3 4; do
        if find_kubernetes_service -o node "$api_url/api/v1/nodes/$NODE"; then reason=''; fi
        overloaded=''
        for status in $statuses; do
            case $status in 429 | 5[0-9][0-9]) overloaded=$status ;; esac
        done
        [ -n "$overloaded" ] || break
        [ "$tried" = 4 ] || sleep "$tried"
    done
    [ -z "$overloaded" ] || fail "the API server $api_server must answer, answers $overloaded (overloaded, or not ready), tried $tried times; check it, then run pulumi up again"
    case ${statuses%% *} in
        200) ;;
        000) fail "the API server $api_server must answer: $(printable <answer.error); check cluster.server, tlsServerName and proxyURL, certificateAuthority, and the node's network access to it (the running kube-proxy was not changed)" ;;
        401) fail "the API server $api_server must accept the client certificate, answers 401 Unauthorized: is kube-proxy:certificateAuthority the CA that it trusts (--client-ca-file)?" ;;
        404) fail "Node $NODE must exist in the cluster, or kube-proxy waits for it forever and writes no rules: is nodes[].name the name in 'kubectl get nodes'?" ;;
        *) fail "the API server $api_server must allow system:kube-proxy to read Node $NODE, answers ${statuses%% *}: does the ClusterRoleBinding system:node-proxier exist?" ;;
    esac
    [ -z "$reason" ] || fail "$reason, or no activation can be proven"
}

# The proof's request goes through the Service's address to one of these endpoints. One that can't be reached from here is no error
# yet: 60 is curl's status for a certificate.
verify_service_certificate() {
    for endpoint in $(printf '%s\n' "$endpoints" | head -n 3); do
        status=0
        curl_as_kube_proxy --noproxy '*' --connect-to "::$endpoint" -o version "https://$service/version" >/dev/null 2>answer.error || status=$?
        [ "$status" != 60 ] ||
            fail "the certificate of the API server $endpoint must be valid for the Service's address $service_address, or no activation can be proven: $(printable <answer.error); issue it with that address (kube-apiserver's --tls-cert-file; kubeadm: certSANs), or name another Service in cluster.kubernetesService"
        [ "$status" != 0 ] || return 0
    done
}

# The generation exists completely or not at all: it is written under another name, synced, then renamed.
store_generation() {
    rm -rf "$state"/incoming.*
    incoming=$state/incoming.$$
    trap 'rm -rf "$incoming"' EXIT
    mkdir -m 700 "$incoming"
    install -o 0 -g 0 -m 644 files/* "$incoming/"
    chmod 600 "$incoming/kube-proxy.kubeconfig"
    [ "$BINARY_SOURCE" = preinstalled ] || ln "$staged_binary" "$incoming/kube-proxy"
    install -o 0 -g 0 -m 644 recover.sh "$state/recover.new"
    sync "$incoming"/* "$state/recover.new"
    mv -f "$state/recover.new" "$state/recover"
    rm -rf "$staged"
    mv "$incoming" "$staged"
    trap - EXIT
    sync "$state"
}

staged=$state/$GENERATION
lock
verify_arrival
install -d -m 700 "$state" "$state/binaries"
load_modules
obtain_binary
# A generation that is here has passed: its name is the digest of its files, which name the version.
if [ ! -d "$staged" ]; then verify_version; verify_configuration; fi
verify_api_access
verify_service_certificate
store_generation
say "generation $(printf '%.12s' "$GENERATION") is staged and valid"
