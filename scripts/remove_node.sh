# remove_node.sh STATE NODE: runs remove.sh as the node's last activation has kept it (activate.sh). The command has this script's
# text: a deletion has nothing but Pulumi's state.
set -eu
[ ! -e "$1/remove" ] || exec /bin/sh "$1/remove" "$2"
! grep -qs "$1" /usr/lib/systemd/system/kube-proxy.service || {
    echo "$2: remove: $1/remove must exist, is missing: run pulumi up first, which brings it back" >&2
    exit 1
}
echo "$2: remove: kube-proxy is not deployed on this host, nothing was removed" >&2
