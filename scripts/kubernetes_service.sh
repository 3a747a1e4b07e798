# The Kubernetes Service that an activation is proven with: default/kubernetes, or the one whose address is
# cluster.kubernetesService. kube-proxy treats all Services alike, and behind this one are API servers, whose certificate
# shows that a request has reached them.

# Asks the API server for it. Sets $service (address:port), $service_address, its $family (IPv4 or IPv6) and the sorted
# $endpoints, or $reason.
find_kubernetes_service() {
    if [ -n "$KUBERNETES_SERVICE" ]; then
        path="/api/v1/services?fieldSelector=spec.clusterIP%3D$KUBERNETES_SERVICE"
        which="a Service with the address $KUBERNETES_SERVICE (cluster.kubernetesService)"
    else
        path='/api/v1/namespaces/default/services?fieldSelector=metadata.name%3Dkubernetes'
        which='the Service kubernetes'
    fi
    reason="the API server $api_server must list $which for system:kube-proxy"
    api_get "$path" >service || return 1
    service_address=$(service_field spec.clusterIP | canonical)
    service_port=$(service_field spec.ports.0.port)
    [ -n "$service_address" ] && [ -n "$service_port" ] || return 1
    service=$(bracketed "$service_address"):$service_port

    namespace=$(service_field metadata.namespace)
    name=$(service_field metadata.name)
    family=$(address_family "$service_address")
    reason="the API server $api_server must list $family endpoints of the Service $name in namespace $namespace"
    api_get "/apis/discovery.k8s.io/v1/namespaces/$namespace/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D$name" >slices || return 1
    endpoints=$(endpoints_of "$family" "$(service_field spec.ports.0.name)" <slices | canonical | sort)
    [ -n "$endpoints" ]
}

service_field() { sed -n "s/^items\.0\.$1=//p" service; }

# endpoints_of FAMILY PORT: reads EndpointSlices as path=value lines and prints the address:port that kube-proxy uses for
# each ready endpoint of the port with this name. A dual-stack Service has slices of both families; kube-proxy uses only
# the first address of an endpoint.
endpoints_of() {
    awk -v family="$1" -v port="$2" '
        { at = index($0, "="); value[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END {
            for (path in value) {
                if (path !~ /^items\.[0-9]+\.endpoints\.[0-9]+\.addresses\.0$/) continue
                split(path, part, ".")
                slice = "items." part[2] "."
                if (value[slice "addressType"] != family || value[slice "endpoints." part[4] ".conditions.ready"] == "false") continue
                address = family == "IPv6" ? "[" value[path] "]" : value[path]
                for (i = 0; (slice "ports." i ".port") in value; i++)
                    if (value[slice "ports." i ".name"] == port) print address ":" value[slice "ports." i ".port"]
            }
        }'
}
