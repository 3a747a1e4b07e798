# receive_upload.sh STATE SHA256: standard input becomes STATE/binaries/SHA256; a file with that name is complete. The command has
# this script's text: each line is a complete command (components/delivery.py).
set -eu
umask 077
file=$1/binaries/$2
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new"
received=$(sha256sum <"$new")
[ "${received%% *}" = "$2" ] || { echo "the binary's SHA-256 must be $2, is ${received%% *}: has its file just changed?" >&2; exit 1; }
sync "$new"
mv "$new" "$file"
printf '\nreceived %s\n' "$2"
