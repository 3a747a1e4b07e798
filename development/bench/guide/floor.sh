#!/bin/sh
# All that the guide does on a node, in one script: install the files beside it, restart kube-proxy if one has changed, and
# wait until it is healthy. Argument: the node's address.
set -eu
changed=
install_file() {
  cmp -s "$1" "$2/$1" && return
  cp "$1" "$2/$1.new"
  mv "$2/$1.new" "$2/$1"
  changed="$changed $1"
}
mkdir -p /opt/k8s/kube-proxy
install_file kube-proxy.kubeconfig /etc/kubernetes
install_file kube-proxy-config.yaml /etc/kubernetes
install_file kube-proxy.conf /etc/kubernetes
install_file kube-proxy.service /usr/lib/systemd/system
if ! systemctl is-enabled -q kube-proxy 2>/dev/null; then
  systemctl enable -q kube-proxy
else
  case $changed in *kube-proxy.service*) systemctl daemon-reload ;; esac
fi
if [ -n "$changed" ] || ! systemctl is-active -q kube-proxy; then
  systemctl restart kube-proxy
fi
tries=0
until [ "$(curl -s -o /dev/null -w '%{http_code}' "http://$1:10256/healthz")" = 200 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ]
  sleep 0.1
done
