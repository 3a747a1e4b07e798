# run.sh STAGE…: runs stages of this delivery, one after the other, in a directory in memory that nothing outlives. Nothing of the
# login's environment reaches them: a proxy, another PATH or options for curl would change what they find. Nor does standard input,
# where sudo leaves the password if it didn't ask.
set -eu
umask 077
delivery=${0%/*}
directory=$(mktemp -d "/run/kube-proxy.$$.XXXXXX")
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
is_in_use() {
    # shellcheck disable=SC3013 # dash and busybox have -ef
    for place in /proc/[0-9]*/cwd; do [ ! "$place" -ef "$1" ] || return 0; done
    return 1
}
# A run that was killed has left its own, with a key in it. Its stage may still be at work there.
for left in /run/kube-proxy.*.??????; do
    process=${left#/run/kube-proxy.}
    [ ! -d "$left" ] || [ -d "/proc/${process%.*}" ] || is_in_use "$left" || rm -rf "$left"
done
cp -R "$delivery/." "$directory"
cd "$directory"
for stage; do
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$directory" \
        DELIVERY="$delivery" REMOVED_NODE="${REMOVED_NODE-}" REMOVED_STACK="${REMOVED_STACK-}" sh "./$stage.sh" </dev/null || {
        status=$?
        # The connection may be gone.
        trap '' PIPE
        # A stage that gives up has said why (fail in common.sh).
        [ -e failed ] || printf '%s: %s: ended unexpectedly, with status %s; the message above, if there is one, is of the command that failed: is a file system full (df -h; df -i) or read-only, or was it killed (dmesg)? Fix that, then run pulumi again\n' \
            "${REMOVED_NODE:-$(sed -n 's/^NODE=//p' parameters)}" "$stage" "$status" >&2 || :
        exit "$status"
    }
done
