# Stage 1: does this node have what kube-proxy needs? Changes nothing; names everything that is missing, at once.
# shellcheck source=common.sh
. ./common.sh
# shellcheck source=addresses.sh
. ./addresses.sh
# shellcheck source=api.sh
. ./api.sh
# shellcheck source=virtual_servers.sh
. ./virtual_servers.sh
# shellcheck source=neighbours.sh
. ./neighbours.sh

problems=0
problem() {
    problems=$((problems + 1))
    say "$*"
}

# What doesn't keep kube-proxy from serving, and will surprise somebody one day.
warning() { say "warning: $*"; }

# A program that must be there, and the Debian package that has it (the names are nearly the same elsewhere).
require() { command -v "$1" >/dev/null 2>&1 || problem "program $1 must be there: install the package $2 (apt-get install $2)"; }

# require_version PROGRAM OLDEST PACKAGE: the same, and new enough, where the program says what it is.
require_version() {
    require "$1" "$3"
    found=$(timeout 20 "$1" --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9][0-9.]*\).*/\1/p')
    [ -z "$found" ] || at_least "$found" "$2" || problem "mode $MODE needs $1 $2 or newer, this is $found: upgrade the package $3"
}

# at_least 6.1.0-44 5.13: is the first version not older than the second?
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_system() {
    [ "$(id -u)" = 0 ] || problem "the login must be root, not $(id -un): set user of kube-proxy:ssh"
    [ -d "$root/run/systemd/system" ] || problem "systemd must be the running init system"
    # systemctl show -p NRestarts: systemd's NEWS, version 235.
    systemd=$(timeout 20 systemctl --version 2>/dev/null | awk 'NR == 1 { print int($2) }')
    [ "${systemd:-0}" -ge 235 ] || problem "systemd must be version 235 or newer, this is ${systemd:-unknown}: upgrade the operating system"
    at_least "$(uname -r)" 4.19 || warning "Kubernetes is tested with Linux 4.19 and newer, this is $(uname -r)"
}

# What upstream asks for (pkg/proxy/ipvs/ipset.go, pkg/util/iptables, sigs.k8s.io/knftables, and for the kernel
# https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables): iptables-restore -w came with 1.6.2.
check_programs() {
    require curl curl
    require flock util-linux
    require ss iproute2
    require sha256sum coreutils
    require modprobe kmod
    case $MODE in
        ipvs)
            require_version ipset 6.0 ipset
            require ipvsadm ipvsadm
            require_version iptables 1.6.2 iptables
            ;;
        iptables) require_version iptables 1.6.2 iptables ;;
        nftables)
            require_version nft 1.0.1 nftables
            at_least "$(uname -r)" 5.13 || problem "mode nftables needs Linux 5.13 or newer, this is $(uname -r): upgrade the kernel or choose mode ipvs"
            ;;
    esac
}

# What is switched off in /etc/modprobe.d, as hardening guides tell, modprobe would not load, or say so in vain.
check_modules() {
    for module in $KERNEL_MODULES; do
        if ! modprobe -n -v "$module" >loading 2>/dev/null; then
            problem "kernel module $module must be available for mode $MODE: install the package with the modules of kernel $(uname -r) (Debian: linux-image; cloud and minimal kernels may lack it)"
        elif grep -q '^install .*/\(true\|false\)' loading; then
            problem "kernel module $module must be loadable for mode $MODE, it is switched off: remove its line 'install' (grep -rw $module /etc/modprobe.d)"
        fi
    done
}

writable() { probe=$(mktemp "$1/.kube-proxy.XXXXXX" 2>/dev/null) && rm -f "$probe"; }

check_disk() {
    for directory in /var/lib /usr/local/bin /etc /usr/lib/systemd/system; do
        free=$(df -Pk "$root$directory" | awk 'NR == 2 { print $4 }')
        need=1024
        case $directory in /var/lib | /usr/local/bin) need=$((need + BINARY_KIB)) ;; esac
        [ "$free" -ge "$need" ] || problem "$directory must have $need KiB free, it has $free KiB: free some space there"
        writable "$root$directory" ||
            problem "$directory must be writable: is the file system full or mounted read-only? (mount | grep ro,)"
    done
}

# A port that someone else holds would keep kube-proxy from starting. ss prints * where a socket takes both families, as
# one of kube-proxy's does on 0.0.0.0 or [::].
check_ports() {
    pid=$(service_property MainPID)
    for listener in "$HEALTHZ" "$METRICS"; do
        owner=$(timeout 20 ss -Hltnp | awk -v listener="$listener" -v own="pid=${pid:-0}," '
            BEGIN { port = listener; sub(/.*:/, ":", port) }
            function meets(other) {
                if (other == listener || other == "*" port || listener == "0.0.0.0" port || listener == "[::]" port) return 1
                return other == (listener ~ /^\[/ ? "[::]" : "0.0.0.0") port
            }
            index($0, own) || substr($4, length($4) - length(port) + 1) != port { next }
            meets($4) {
                sub(/.*users:\(\(/, "")
                sub(/\).*/, "")
                print
                exit
            }')
        [ -z "$owner" ] || problem "port $listener must be free for kube-proxy, it is held by $owner: stop that process, or choose another port in kube-proxy:configuration"
    done
}

check_binary() {
    case $BINARY_SOURCE in
        preinstalled)
            if [ ! -x "$binary" ]; then
                problem "$binary must be there (binary.source is preinstalled): install kube-proxy $VERSION, or choose source file or url in kube-proxy:binary"
            elif [ "$(version_of "$binary")" != "$VERSION" ]; then
                problem "$binary must be version $VERSION, it says '$(timeout 20 "$binary" --version 2>&1 | printable | head -n 1)': install that version, or change kube-proxy:binary"
            fi
            ;;
        *)
            [ -n "$(pinned_sha256)" ] || problem "the binary must be for this node's architecture $(architecture): add its digest to binary.sha256 of kube-proxy:binary"
            ;;
    esac
}

check_system
check_programs
check_modules
check_disk
check_ports
check_binary
check_clock
check_other_kube_proxy
check_firewall_managers
check_foreign_virtual_servers
check_kernel_settings
[ "$problems" = 0 ] || fail "$problems of this node's requirements are not met (above); nothing was changed; mend them, then run pulumi up again"
say "ready for kube-proxy $VERSION in mode $MODE"
