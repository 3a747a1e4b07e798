# remove_node.sh STATE NODE: runs remove.sh of the node's last activation (activate.sh). The command has this script's text: a
# deletion has nothing but Pulumi's state.
set -eu
delivery=$(cat "$1/live-delivery" 2>/dev/null || :)
if [ -e "$delivery/run.sh" ]; then
    REMOVED_NODE=$2
    export REMOVED_NODE
    exec /bin/sh "$delivery/run.sh" remove
fi
! grep -qs "$1" /usr/lib/systemd/system/kube-proxy.service || {
    echo "$2: remove: its scripts must be in $1/deliveries, are missing; change rollout.healthTimeoutSeconds by a second and run pulumi up, which brings them back" >&2
    exit 1
}
echo "$2: remove: kube-proxy is not deployed on this host, nothing was removed" >&2
