# deliver.sh STATE DIGEST BINARY: unpacks the archive on standard input as STATE/deliveries/DIGEST, completely or not at all.
# BINARY is the SHA-256 of the stack's binary, or empty. The command has this script's text: each line is a complete command
# (components/delivery.py). One that is there and complete stays: another run may be reading it, or has made it meanwhile. The answer
# begins on a new line, whatever the login has printed.
set -eu
umask 077
mkdir -p "$1/deliveries" "$1/binaries"
chmod 700 "$1"
new=$(mktemp -d "$1/deliveries/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
tar -xzf - -C "$new"
find "$new" -exec sync {} +
is_there() { diff -r "$new" "$1/deliveries/$2" >/dev/null 2>&1; }
place() { mv -T "$new" "$1/deliveries/$2" 2>/dev/null; }
is_there "$@" || place "$@" || is_there "$@" || { rm -rf "$1/deliveries/$2" && place "$@"; } || is_there "$@" || mv -T "$new" "$1/deliveries/$2"
touch "$1/deliveries/$2"
sync "$1/deliveries"
echo
[ -z "$3" ] || [ -f "$1/binaries/$3" ] || echo 'binary: missing'
echo "delivered $2"
