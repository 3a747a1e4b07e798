# The report that becomes the node's stack output (components/report.py parses it), as a YAML document from --- to ..., on lines of
# their own whatever the login has printed. It follows a successful `serves`, so its constants and parameters are facts, too.
report() {
    cat <<EOF

---
generation: $GENERATION
active: true
enabled: true
version: $running_version
mode: $MODE
listeners:
- "$HEALTHZ"
- "$METRICS"
kubernetesService: "$service"
request: answered
EOF
    [ "$MODE" != ipvs ] || report_virtual_servers
    echo ...
}

report_virtual_servers() {
    echo virtualServers:
    virtual_servers_of own | head -n 100 | canonical | awk '
        { print "- server: " $1 " " $2 " " $3; print "  realServers:" (NF > 3 ? "" : " []") }
        { for (i = 4; i <= NF && i < 104; i++) print "  - \"" $i "\"" }
        END { if (!NR) print "  []" }'
}
