# preflight_only.sh DIGEST: unpacks the archive on standard input in memory, runs its preflight there and leaves nothing on the node, also
# if the connection is lost (commands/preflight). The command has this script's text: each line is a complete command
# (components/delivery.py). The answer begins on a new line, whatever the login has printed. run.sh removes what was killed.
set -eu
umask 077
directory=$(mktemp -d "/run/kube-proxy.$$.XXXXXX")
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM PIPE
tar -xzf - -C "$directory"
status=0
echo
timeout 120 /bin/sh "$directory/run.sh" preflight 2>&1 || status=$?
printf '\npreflight %s %s\n' "$1" "$status"
