# Stage 5: does kube-proxy serve? Each function is a question: true, or false with the answer in $reason.

http_code() { curl -s --noproxy '*' --max-time 5 -o "${2:-/dev/null}" -w '%{http_code}' "http://$1" || :; }

check_service() {
    active=$(service_property ActiveState)
    reason="kube-proxy.service must be active, it is $active"
    [ "$active" = active ] || return 1
    reason="kube-proxy.service must be enabled"
    is_enabled
}

check_health() {
    code=$(http_code "$HEALTHZ/livez")
    reason="http://$HEALTHZ/livez must answer 200, it answers $code"
    [ "$code" != 000 ] || reason="http://$HEALTHZ/livez must answer 200, nobody answers there"
    [ "$code" = 200 ]
}

check_mode() {
    http_code "$METRICS/proxyMode" proxy_mode >/dev/null
    reason="http://$METRICS/proxyMode must answer $MODE, it answers '$(printable <proxy_mode 2>/dev/null)'"
    [ "$(cat proxy_mode 2>/dev/null)" = "$MODE" ]
}

check_listeners() {
    timeout 20 ss -Hltnp >sockets
    pid=$(service_property MainPID)
    for listener in "$HEALTHZ" "$METRICS"; do
        reason="$listener must be held by kube-proxy (process $pid)"
        awk -v address="$listener" -v owner="pid=$pid," \
            '($4 == address || $4 == "*" substr(address, match(address, /:[0-9]+$/))) && index($0, owner) { found = 1 } END { exit !found }' sockets || return 1
    done
}

# What the API says of the Service kubernetes in default: leaves $service_address, $service_port and sorted $endpoints.
ask_service() {
    reason="the API server $api_server must list the Service kubernetes for system:kube-proxy"
    api '/api/v1/namespaces/default/services?fieldSelector=metadata.name%3Dkubernetes' >service || return 1
    api '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dkubernetes' >slices || return 1
    service_address=${KUBERNETES_SERVICE:-$(sed -n 's/^items\.0\.spec\.clusterIP=//p' service)}
    service_port=$(sed -n 's/^items\.0\.spec\.ports\.0\.port=//p' service)
    endpoint_port=$(sed -n 's/^items\.0\.ports\.0\.port=//p' slices)
    endpoints=$(sed -n "s/^items\.[0-9]*\.endpoints\.[0-9]*\.addresses\.[0-9]*=\(.*\)/\1:$endpoint_port/p" slices | sort)
    [ -n "$service_address" ] && [ -n "$service_port" ] && [ -n "$endpoints" ]
}

# In the kernel, in the mode's own form; a request alone could be answered by what another mode has left.
check_rules() {
    ask_service || return 1
    case $MODE in
        ipvs) check_virtual_server ;;
        nftables)
            reason="the nftables table kube-proxy must have the Service address $service_address"
            timeout 20 nft list table "$(nft_family)" kube-proxy 2>/dev/null | grep -qF " $service_address " ;;
        iptables)
            reason="the iptables chain KUBE-SERVICES must have the Service address $service_address"
            timeout 20 "$(iptables_program)" -w 20 -t nat -S KUBE-SERVICES 2>/dev/null | grep -qF -- "-d $service_address/" ;;
    esac
}

nft_family() { case $service_address in *:*) echo ip6 ;; *) echo ip ;; esac; }
iptables_program() { case $service_address in *:*) echo ip6tables ;; *) echo iptables ;; esac; }

check_virtual_server() {
    expected=$(printf '%s\n' "TCP $service_address:$service_port" "$endpoints" | tr '\n' ' ')
    virtual_servers >rules
    actual=$(awk -v server="$service_address:$service_port" '$2 == server { for (i = 4; i <= NF; i++) print $i }' rules | sort | tr '\n' ' ')
    reason="the IPVS virtual server must be '$expected' as the API says, its real servers are '$actual'"
    [ "TCP $service_address:$service_port $actual" = "$expected" ]
}

# Through the rules, not beside them: the Service's own address, its certificate verified by the cluster's CA.
check_request() {
    ask_service || return 1
    reason="a TLS request to https://$service_address:$service_port must be answered"
    request "https://$(bracketed "$service_address"):$service_port/version" >answer 2>answer.error || { reason="$reason: $(printable <answer.error)"; return 1; }
    [ "$(tail -n 1 answer)" = 200 ] || { reason="$reason with 200, it is answered with $(tail -n 1 answer)"; return 1; }
}

bracketed() {
    case $1 in *:*) printf '[%s]' "$1" ;; *) printf '%s' "$1" ;; esac
}

check_all() {
    check_service && check_health && check_mode && check_listeners && check_rules && check_request
}

# The report that becomes the node's stack output (components/report.py reads it). What stands here as a constant, or was
# given, check_all has just found to be so: nothing is reported of a node of which it is not true.
report() {
    cat <<EOF
generation: $GENERATION
active: true
enabled: true
version: $(version_of "$binary")
mode: $(cat proxy_mode)
listeners:
- $HEALTHZ
- $METRICS
kubernetesService: $service_address:$service_port
request: answered
EOF
    [ "$MODE" = ipvs ] || return 0
    echo virtualServers:
    virtual_servers_of own | head -n 100 | awk '
        { print "- server: " $1 " " $2 " " $3; print "  realServers:" (NF > 3 ? "" : " []") }
        { for (i = 4; i <= NF; i++) print "  - " $i }'
}
