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

# Every IPVS virtual server with its real servers that take traffic: "TCP 10.0.0.1:443 rr 192.168.99.121:6443 …".
virtual_servers() {
    awk '
        function number(hex,    i, value) {
            for (i = 1; i <= length(hex); i++) value = value * 16 + index("0123456789ABCDEF", substr(hex, i, 1)) - 1
            return value
        }
        function address(text,    colon) {
            colon = match(text, /:[0-9A-F]+$/)
            if (colon != 9) return substr(text, 1, colon) number(substr(text, colon + 1))
            return number(substr(text, 1, 2)) "." number(substr(text, 3, 2)) "." number(substr(text, 5, 2)) "." number(substr(text, 7, 2)) ":" number(substr(text, 10))
        }
        NR <= 3 { next }
        $1 == "->" { if ($4 > 0) line = line " " address($2); next }
        { if (line) print line; line = $1 " " address($2) " " $3 }
        END { if (line) print line }' "$root/proc/net/ip_vs"
}

check_rules() {
    [ "$MODE" = ipvs ] || return 0
    ask_service || return 1
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
    awk '{ print "- server: " $1 " " $2 " " $3; print "  realServers:"; for (i = 4; i <= NF; i++) print "  - " $i }' rules | head -n 200
}
