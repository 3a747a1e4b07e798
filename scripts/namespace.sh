# The network namespace in which kube-proxy writes its nftables rules before a change to mode nftables (handover.sh). Nothing in it
# reaches the node's traffic. It has the node's addresses, because kube-proxy serves node ports on those that it finds. The only way out
# is a socket of systemd at the API server's own address, so kube-proxy can use the generation's kubeconfig as it is.

# Writes handover.new, or sets $reason.
write_rules() {
    say "kube-proxy writes its nftables rules in a network namespace first"
    find_relay
    reason=''
    make_namespace && start_relay && start_kube_proxy || { reason=$(printable <run.error | head -n 3); return 1; }
    await_rules || return 1
    list_rules in_namespace >handover.new || { reason="nft must list kube-proxy's table: $(printable <nft.error)"; return 1; }
    find_kubernetes_service || return 1
    reason="kube-proxy's table must have the Service address $service_address"
    grep -qF " $service_address " handover.new
}

in_namespace() { ip netns exec "$handover" "$@"; }

# Sets $relay_host and $relay_port: where the kubeconfig's connections go, which is the API server, or a proxy before it.
find_relay() {
    way=${proxy:-$api_server} relay_port=''
    relay_host=${way#*://} && relay_host=${relay_host%%/*} && relay_host=${relay_host##*@}
    case $relay_host in
        *']') ;;
        *:*) relay_port=${relay_host##*:} relay_host=${relay_host%:*} ;;
    esac
    relay_host=${relay_host#'['} && relay_host=${relay_host%']'}
    [ -n "$relay_port" ] || case $way in http:*) relay_port=80 ;; socks5*) relay_port=1080 ;; *) relay_port=443 ;; esac
}

is_address() { case $1 in *:*) ;; *[!0-9.]*) return 1 ;; esac; }

# An address that the namespace delivers to itself without having it is no address for node ports.
make_namespace() {
    timeout 20 ip netns add "$handover" 2>run.error || return 1
    {
        echo 'link set lo up'
        timeout 20 ip -o addr show scope global | awk '$2 != "kube-ipvs0" {
            sub("/.*", "", $4)
            print "address replace " $4 ($3 == "inet6" ? "/128 dev lo nodad" : "/32 dev lo")
        }' | sort -u
        ! is_address "$relay_host" || echo "route replace local $relay_host dev lo"
    } >namespace.batch
    timeout 60 ip -n "$handover" -batch namespace.batch 2>run.error
}

# An API server with a name has it in the namespace's /etc/hosts.
start_relay() {
    listener=127.0.0.1
    printf '127.0.0.1 localhost %s\n' "$relay_host" >"$root/run/$handover/hosts"
    ! is_address "$relay_host" || listener=$(bracketed "$relay_host")
    run_detached --unit=$handover-api --socket-property="ListenStream=$listener:$relay_port" --socket-property=FreeBind=yes \
        --socket-property="NetworkNamespacePath=/run/netns/$handover" "$(relay_program)" "$relay_host:$relay_port"
}

relay_program() { ls "$root/usr/lib/systemd/systemd-socket-proxyd" "$root/lib/systemd/systemd-socket-proxyd" 2>/dev/null | head -n 1; }

# The settings of conntrack belong to the host. A kube-proxy that exits waits for its restart longer than await_rules looks away. The
# shell is there for SELinux: systemd itself may not run programs in /var/lib.
start_kube_proxy() {
    awk -v kubeconfig="$staged/kube-proxy.kubeconfig" '
        /^[^ -]/ { skipped = /^(conntrack|healthzBindAddress|metricsBindAddress):/ }
        skipped { next }
        /^  kubeconfig:/ { $0 = "  kubeconfig: " kubeconfig }
        { print }
        END {
            print "healthzBindAddress: 127.0.0.1:10256\nmetricsBindAddress: 127.0.0.1:10249"
            print "conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}"
        }' "$staged/kube-proxy-config.yaml" >"$root/run/$handover/config.yaml"
    kube_proxy=$staged/kube-proxy
    [ -e "$kube_proxy" ] || kube_proxy=$binary
    run_detached --unit=$handover -p "NetworkNamespacePath=/run/netns/$handover" -p "BindReadOnlyPaths=$root/run/$handover/hosts:/etc/hosts" \
        -p 'UnsetEnvironment=HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy' \
        -p 'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_RESOURCE' -p ProtectSystem=strict -p Restart=on-failure -p RestartSec=2 -p TimeoutStopSec=5 \
        /bin/sh -c "exec $kube_proxy --config=$root/run/$handover/config.yaml"
}

# While it starts, kube-proxy needs the processor more than these looks do.
await_rules() {
    deadline=$(($(now) + HEALTH_TIMEOUT))
    until in_namespace curl -s --noproxy '*' --max-time 5 -o metrics http://127.0.0.1:10249/metrics && has_synchronized; do
        [ "$(now)" -lt "$deadline" ] && [ "$(systemctl is-active $handover.service)" = active ] || {
            reason="kube-proxy must write its rules in the namespace within $HEALTH_TIMEOUT s (rollout.healthTimeoutSeconds): $(print_errors_from_journal $handover | tail -n 1)"
            return 1
        }
        sleep 1
    done
}
