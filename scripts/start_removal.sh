# start_removal.sh STATE NODE STACK: runs remove.sh of the node's last activation (activate.sh). The command has this script's text: each
# line is a complete command (components/delivery.py). A deletion has nothing but Pulumi's state; there it is twice for each node,
# so it is short. Standard input is read, since the plugin fails if a command ends before it has written all of it.
cat >/dev/null
delivery=$(cat "$1/live-delivery" 2>/dev/null)
[ ! -f "$delivery/run.sh" ] || exec env REMOVED_NODE="$2" REMOVED_STACK="$3" /bin/sh "$delivery/run.sh" remove
grep -qs "$1" /etc/systemd/system/kube-proxy.service /usr/lib/systemd/system/kube-proxy.service || exit 0
echo "$2: remove: $1/live-delivery must name a delivery: with the node in nodes, change rollout.healthTimeoutSeconds and run pulumi up, which writes it" >&2
exit 1
