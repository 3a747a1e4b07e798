# run.sh STAGE…: runs stages of this delivery, one after the other, in a directory in memory that nothing outlives.
set -eu
umask 077
DELIVERY=${0%/*}
export DELIVERY
directory=$(mktemp -d /run/kube-proxy.XXXXXX)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
cp -R "$DELIVERY/." "$directory"
cd "$directory"
for stage; do
    sh "./$stage.sh"
done
