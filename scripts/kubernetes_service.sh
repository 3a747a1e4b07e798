# The Kubernetes Service that an activation is proven with: default/kubernetes, or the one whose address is
# cluster.kubernetesService. kube-proxy treats all Services alike, and behind this one are API servers, whose certificate
# shows that a request has reached them.

# find_kubernetes_service [-o FILE URL]: asks the API server for it, and for URL with the same connection. Sets $service
# (address:port), $service_address, its $family (IPv4 or IPv6) and the sorted $endpoints, or $reason.
find_kubernetes_service() {
    statuses=''
    if [ -n "$KUBERNETES_SERVICE" ]; then
        which="a Service with the address $KUBERNETES_SERVICE (cluster.kubernetesService)"
        api_get "$@" -o services "$api_url/api/v1/services?fieldSelector=spec.clusterIP%3D$KUBERNETES_SERVICE"
    else
        which='the Service kubernetes'
        api_get "$@" -o services "$api_url/api/v1/namespaces/default/services?fieldSelector=metadata.name%3Dkubernetes" \
            -o slices "$(slices_url default kubernetes)"
    fi
    reason="the API server $api_server must list $which for system:kube-proxy"
    is_found services && read_service || return 1

    [ -z "$KUBERNETES_SERVICE" ] || api_get -o slices "$(slices_url "$namespace" "$name")"
    reason="the API server $api_server must list $family endpoints of the Service $name in namespace $namespace"
    is_found slices || return 1
    endpoints=$(flatten_yaml <slices | endpoints_of "$family" "$port_name" | canonical | sort)
    [ -n "$endpoints" ]
}

slices_url() { printf '%s' "$api_url/apis/discovery.k8s.io/v1/namespaces/$1/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D$2"; }

# Sets $service, $service_address, $family, $port_name, $namespace and $name of the first Service in the answer.
read_service() {
    service_address='' service_port='' port_name='' namespace='' name=''
    flatten_yaml <services >service
    while IFS='=' read -r path value; do
        case $path in
            items.0.spec.clusterIP) service_address=$value ;;
            items.0.spec.ports.0.port) service_port=$value ;;
            items.0.spec.ports.0.name) port_name=$value ;;
            items.0.metadata.namespace) namespace=$value ;;
            items.0.metadata.name) name=$value ;;
        esac
    done <service
    case $service_address in
        *:*)
            family=IPv6 service_address=$(printf '%s\n' "$service_address" | canonical)
            service=[$service_address]:$service_port
            ;;
        *) family=IPv4 service=$service_address:$service_port ;;
    esac
    [ -n "$service_address" ] && [ -n "$service_port" ]
}

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
