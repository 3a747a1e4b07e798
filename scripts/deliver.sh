# deliver.sh STATE DIGEST BINARY: unpacks the archive on standard input as STATE/deliveries/DIGEST, completely or not at all.
# BINARY is the SHA-256 of the stack's binary, or empty. The command has this script's text (components/host.py).
set -eu
umask 077
mkdir -p "$1/deliveries" "$1/binaries"
chmod 700 "$1"
new=$(mktemp -d "$1/deliveries/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
tar -xzf - -C "$new"
rm -rf "$1/deliveries/$2"
mv "$new" "$1/deliveries/$2"
[ -z "$3" ] || [ -f "$1/binaries/$3" ] || echo 'binary: missing'
echo "delivered $2"
