# Where the stack's binary comes from: it is on the node already, was uploaded (receive_upload.sh), or is downloaded here.

# Sets $staged_binary to the path of this generation's binary.
obtain_binary() {
    staged_binary=$binary
    [ "$BINARY_SOURCE" != preinstalled ] || return 0
    pinned=$(pinned_sha256)
    staged_binary=$state/binaries/$pinned
    [ -f "$staged_binary" ] || case $BINARY_SOURCE in
        file) fail "the uploaded binary must be at $staged_binary, is missing; run pulumi up again, which uploads it" ;;
        url) download_binary ;;
    esac
    actual=$(sha256sum <"$staged_binary" | cut -d ' ' -f 1)
    if [ "$actual" != "$pinned" ]; then
        rm -f "$staged_binary"
        fail "the binary must have the pinned SHA-256 $pinned, has $actual and was deleted; check binary.sha256 of kube-proxy:binary, then run pulumi up again"
    fi
    chmod 755 "$staged_binary"
    chown 0:0 "$staged_binary"
}

# Goes on where an earlier run was cut off, from the start where the server can't (22, 33, 36). A file that isn't what the stack has
# pinned never gets its name.
download_binary() {
    say "downloading $BINARY_URL"
    status=0
    download -C - || status=$?
    case $status in 22 | 33 | 36)
        rm -f "$staged_binary.new"
        status=0
        download || status=$?
        ;;
    esac
    [ "$status" = 0 ] ||
        fail "the binary must be downloadable from $BINARY_URL: $(printable <curl.error); check binary.url of kube-proxy:binary and the node's network access to it"
    actual=$(sha256sum <"$staged_binary.new" | cut -d ' ' -f 1)
    [ "$actual" = "$pinned" ] || {
        rm -f "$staged_binary.new"
        fail "the binary must have the pinned SHA-256 $pinned, $BINARY_URL has $actual, which was deleted; check binary.url and binary.sha256 of kube-proxy:binary, then run pulumi up again"
    }
    sync "$staged_binary.new"
    mv -f "$staged_binary.new" "$staged_binary"
}

# No kube-proxy has 512 MiB; curl before 8.4 doesn't limit a size that isn't announced.
download() (
    ulimit -f 1048576
    timeout 900 curl -fsSL --globoff --retry 3 --connect-timeout 10 --speed-limit 1000 --speed-time 60 --max-redirs 10 --proto =http,https \
        --proto-redir =http,https --max-filesize 536870912 "$@" -o "$staged_binary.new" "$BINARY_URL" 2>curl.error
)
