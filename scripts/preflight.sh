# Stage 1: check that the node has what kube-proxy needs. Changes nothing and reports all problems at once.
. ./common.sh
. ./ipv6.sh
. ./kubernetes_api.sh
. ./virtual_servers.sh
. ./rules.sh
. ./handover.sh
. ./namespace.sh
. ./preflight_conflicts.sh
. ./preflight_differences.sh

problems=0
problem() {
    problems=$((problems + 1))
    say "$*"
}

# Not fatal now, but likely to cause trouble later.
warning() { say "warning: $*"; }

# require_program PROGRAM PACKAGE: the package's name is Debian's.
require_program() { command -v "$1" >/dev/null 2>&1 || problem "program $1 must be installed: it is in the package $(package_here "$2")"; }

# The package with the name that this distribution gives it, and how to install it.
package_here() {
    find_distribution
    case $distribution in rhel) way_to_install "${1%2}" ;; *) way_to_install "$1" ;; esac
}

# The package with the modules that a cloud or minimal kernel leaves out.
modules_here() {
    find_distribution
    case $distribution in
        ubuntu) way_to_install "linux-modules-extra-$release" ;;
        debian) way_to_install "linux-image-$(architecture)" ;;
        rhel) way_to_install "kernel-modules-$release" ;;
        suse) way_to_install kernel-default ;;
        *) way_to_install linux-image ;;
    esac
}

# Sets $distribution to that of os-release(5), or to the one that it is like.
find_distribution() {
    like=" $(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "$root/etc/os-release" 2>/dev/null | tr -d "\"'" | paste -s -d ' ' -) "
    case $like in
        *' ubuntu '*) distribution=ubuntu ;;
        *' debian '*) distribution=debian ;;
        *' rhel '* | *' fedora '* | *' centos '*) distribution=rhel ;;
        *' suse '* | *' opensuse '*) distribution=suse ;;
        *' arch '*) distribution=arch ;;
        *) distribution='' ;;
    esac
}

# way_to_install PACKAGE: on an image with a read-only /usr the distribution's ordinary command doesn't work.
way_to_install() {
    case $distribution in
        debian | ubuntu) echo "$1 (apt-get install $1)" ;;
        rhel)
            if [ -e "$root/run/ostree-booted" ]; then
                echo "$1 (rpm-ostree install $1, then reboot; or make it part of the image)"
            else
                echo "$1 (dnf install $1)"
            fi
            ;;
        suse)
            if command -v transactional-update >/dev/null 2>&1; then
                echo "$1 (transactional-update pkg install $1, then reboot)"
            else
                echo "$1 (zypper install $1)"
            fi
            ;;
        arch) echo "$1 (pacman -S $1)" ;;
        *) echo "$1 (its name on Debian)" ;;
    esac
}

# require_version PROGRAM OLDEST PACKAGE: a program that doesn't report its version counts as new enough.
require_version() {
    require_program "$1" "$3"
    found=$(timeout 20 "$1" --version 2>/dev/null | sed -n '1s/^[^0-9]*\([0-9][0-9.]*\).*/\1/p')
    [ -z "$found" ] || is_at_least "$found" "$2" || problem "mode $MODE needs $1 $2 or newer, this node has $found: upgrade the package $(package_here "$3")"
}

# is_at_least VERSION OLDEST: 6.1.0-44 is at least 5.13.
is_at_least() { printf '%s\n' "$2" "$1" | sort -VC; }

check_system() {
    [ "$(id -u)" = 0 ] || problem "preflight must run as root, runs as $(id -un): log in as root, or as a user with sudo (user in kube-proxy:ssh)"
    read_unit_state
    if [ ! -d "$root/run/systemd/system" ]; then
        problem "systemd must be the running init system"
    elif [ -z "$restarts" ]; then # since version 235 (systemd's NEWS)
        problem "systemd must be version 235 or newer, is $(timeout 20 systemctl --version 2>/dev/null | awk 'NR == 1 { print int($2) }'): upgrade the operating system"
    fi
    release=$(uname -r)
    is_at_least "$release" 4.19 || warning "Kubernetes is tested with Linux 4.19 and newer, this node has $release"
}

# systemd would go on using a unit in a directory that comes before ours, whatever we write (systemd.unit(5)).
check_unit() {
    find_other_unit
    case $enabled in
        transient) problem "kube-proxy.service must not be a transient unit (systemd-run): stop it with systemctl stop kube-proxy.service" ;;
        *)
            if ! has_its_directories || ! is_not_masked || ! is_no_alias; then
                problem "$reason"
            elif [ -z "$hiding_unit" ]; then
                :
            elif [ "$TAKE_OVER" = true ]; then
                say "note: takes over kube-proxy.service from $unit_file, which is kept and comes back on removal"
            else
                problem "$(hidden_message)"
            fi
            ;;
    esac
    for drop_in in $drop_ins; do
        ! grep -qsE '^[[:space:]]*((ExecStart|User|DynamicUser|Root[A-Za-z]*|Bind[A-Za-z]*Paths|EnvironmentFile|NetworkNamespacePath|PrivateNetwork)[[:space:]]*=|Environment=.*(KUBE_PROXY_ARGS|_PROXY|_proxy)=)' "$root$drop_in" ||
            problem "$drop_in must not change how kube-proxy starts: remove it, and set its values in kube-proxy:configuration"
    done
    # A preflight without Pulumi doesn't know the organization (commands/preflight).
    deployed_by=''
    [ ! -e "$state/stack" ] || read -r deployed_by <"$state/stack" || :
    case $deployed_by in '' | "$STACK" | */"$STACK") ;; *)
        warning "the stack $(printable <"$state/stack") has deployed this node as $(printable <"$state/node"): this stack takes it over, and that one must no longer list it"
        ;;
    esac
}

# Upstream's requirements: pkg/proxy/ipvs/ipset.go, pkg/util/iptables, sigs.k8s.io/knftables, and for the kernel
# https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables. iptables-restore -w came with 1.6.2.
check_programs() {
    require_program curl curl
    require_program flock util-linux
    require_program ss iproute2
    require_program sha256sum coreutils
    require_program modprobe kmod
    case $MODE in
        ipvs)
            require_version ipset 6.0 ipset
            require_program ipvsadm ipvsadm
            require_version iptables 1.6.2 iptables
            ;;
        iptables) require_version iptables 1.6.2 iptables ;;
        nftables)
            require_version nft 1.0.1 nftables
            is_at_least "$release" 5.13 || problem "mode nftables needs Linux 5.13 or newer, this node has $release: upgrade the kernel or choose mode ipvs"
            ;;
    esac
}

# Hardening guides disable a module by `install MODULE /bin/false` (or true) in /etc/modprobe.d: modprobe -n succeeds then.
check_modules() {
    for module in $KERNEL_MODULES; do
        ! has_module "$module" || continue
        loading=$(modprobe -n -v "$module" 2>/dev/null) ||
            problem "kernel module $module must be available for mode $MODE: install the package with the modules of kernel $release, which a cloud or minimal kernel may lack: $(modules_here)"
        case $loading in *'install '*/true* | *'install '*/false*)
            problem "kernel module $module must be loadable for mode $MODE, is disabled: remove its 'install' line (grep -rw $module /etc/modprobe.d)" ;;
        esac
    done
}

# The file of that name may have been made by another owner, and ours takes its place.
check_modules_file() {
    modules_file=$root/etc/modules-load.d/kube-proxy.conf
    [ ! -e "$state/live" ] && [ -f "$modules_file" ] || return 0
    for module in $(grep -h '^[[:alnum:]]' "$modules_file" | tr - _); do
        case " $KERNEL_MODULES " in *" $module "*) ;; *)
            warning "/etc/modules-load.d/kube-proxy.conf, which this program replaces, loads $module: if other programs need it, name it in another file of /etc/modules-load.d" ;;
        esac
    done
}

# A preinstalled binary may be on a read-only file system. Where others may write, nothing is tried: their link could lead anywhere.
# Another preflight may run at the same time (commands/preflight).
check_disk() {
    if [ "$BINARY_SOURCE" = preinstalled ]; then
        check_directory /var/lib 1024
    else
        another=', or set another binaryDirectory in kube-proxy:service'
        check_directory /var/lib $((1024 + BINARY_KIB)) '' ', or choose binary.source preinstalled in kube-proxy:binary'
        exposed=''
        find_exposed "$BINARY_DIRECTORY"
        if [ -n "$exposed" ]; then
            problem "only root may be able to write $BINARY_DIRECTORY and the directories on the way to it: run chown root:root$exposed && chmod go-w$exposed$another"
        else
            check_directory "$BINARY_DIRECTORY" $((1024 + BINARY_KIB)) "$another" "$another"
        fi
    fi
    check_directory /etc 1024
    check_directory "$UNIT_DIRECTORY" 1024 ', or set another unitDirectory in kube-proxy:service'
    [ -d "$root$K8S_DIR/kube-proxy" ] || ! find_place "$K8S_DIR/kube-proxy" || [ -w "$root$place/" ] ||
        problem "${place:-/} must be writable for $K8S_DIR/kube-proxy: is it mounted read-only? (mount | grep ro,), or set another k8sDir in kube-proxy:service"
}

# Sets $place to the nearest directory that exists, since an activation makes those below it.
find_place() {
    place=$1
    while [ ! -d "$root$place/" ]; do
        ! exists "$root$place" || { problem "$place must be a directory, is a $(stat -c %F "$root$place"): move it away"; return 1; }
        place=${place%/*}
    done
}

# check_directory DIRECTORY KIB [OR_ELSE [PROGRAMS_OR_ELSE]]: with the last argument programs must be allowed to run there.
check_directory() {
    find_place "$1" || return 0
    free=$(df -Pk "$root$place/" | { read -r _ && read -r _ _ _ kib _ && echo "$kib"; } || :)
    [ "${free:-0}" -ge "$2" ] || problem "${place:-/} must have $2 KiB free, has ${free:-0} KiB: free some space there"
    probe=$root$place/.kube-proxy.$$
    if ! { echo '#!/bin/sh' >"$probe"; } 2>/dev/null; then
        problem "${place:-/} must be writable: is the file system full or mounted read-only? (mount | grep ro,)${3-}"
    elif [ $# = 4 ]; then
        chmod 700 "$probe"
        "$probe" 2>/dev/null || problem "${place:-/} must allow programs to run, is it mounted noexec? (findmnt -T ${place:-/}): remount it with exec$4"
    fi
    rm -f "$probe"
}

# What can't be replaced: anything but a file or a link, a mount point, an immutable file (where lsattr is installed).
check_live_files() {
    { live_files && echo "hiding $hiding_unit"; } >files.list
    set --
    while read -r _ path _; do
        file=$root$path
        if [ -z "$path" ] || [ -h "$file" ] || [ ! -e "$file" ]; then
            continue
        elif [ ! -f "$file" ]; then
            problem "$path must be a file or a symbolic link, is a $(stat -c %F "$file"): move it away"
        else
            set -- "$@" "$file"
        fi
    done <files.list
    [ $# != 0 ] || return 0
    {
        awk -v files=" $* " -v root="$root" 'index(files, " " root $5 " ") && !seen[$5]++ { print root $5, "a mount point: run umount" }' "$root/proc/self/mountinfo" 2>/dev/null || :
        lsattr -d "$@" 2>/dev/null | sed -n 's/^[^ ]*[ai][^ ]* *\(.*\)/\1 immutable: run chattr -i -a/p'
    } >files.list
    while read -r file message; do problem "${file#"$root"} must be replaceable, is $message ${file#"$root"}"; done <files.list
}

check_binary() {
    pinned=$(pinned_sha256)
    if [ -z "$pinned" ] && [ "$BINARY_SOURCE $BINARY_SHA256" != "preinstalled " ]; then
        problem "binary.sha256 of kube-proxy:binary must have a digest for this node's architecture: add one for $(architecture)"
    elif [ "$BINARY_SOURCE" = preinstalled ]; then
        check_preinstalled_binary
    fi
}

# It runs as root, already for its version.
check_preinstalled_binary() {
    if [ ! -f "$binary" ] || [ ! -x "$binary" ]; then
        problem "$binary must be an executable file (binary.source is preinstalled): install kube-proxy $VERSION, or choose source file or url in kube-proxy:binary"
        return 0
    fi
    exposed=''
    find_exposed "${binary#"$root"}"
    if [ -n "$exposed" ]; then
        problem "only root may be able to write $binary and the directories on the way to it (binary.source is preinstalled): run chown root:root$exposed && chmod go-w$exposed"
        return 0
    fi
    if [ -n "$pinned" ]; then
        actual=$(sha256sum <"$binary" | cut -d ' ' -f 1)
        [ "$actual" = "$pinned" ] ||
            problem "$binary must have the pinned SHA-256 $pinned, has $actual: install the binary that binary.sha256 of kube-proxy:binary pins, or change the digest"
    fi
    if [ "$(version_of "$binary")" != "$VERSION" ]; then
        problem "$binary must be version $VERSION, reports '$(timeout 20 "$binary" --version 2>&1 | printable | head -n 1)': install that version, or change kube-proxy:binary"
    fi
}

# find_exposed PATH: adds to $exposed the file, and each directory on the way to it and through its symbolic links, that others than
# root may write.
find_exposed() {
    rest=$1 directory=$root links=0
    while [ -n "$rest" ] && [ "$links" -lt 40 ]; do
        name=${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
        case $name in
            '' | .) ;;
            ..) [ "$directory" = "$root" ] || directory=${directory%/*} ;;
            *)
                if ! exists "$directory/$name"; then
                    return 0
                elif [ -h "$directory/$name" ]; then
                    target=$(readlink "$directory/$name")
                    links=$((links + 1))
                    case $target in /*) directory=$root target=${target#"$root"} ;; esac
                    rest=$target/$rest
                else
                    directory=$directory/$name
                    ! is_exposed "$directory" || exposed="$exposed $directory"
                fi
                ;;
        esac
    done
}

# is_exposed PATH: ls marks access control lists, which may allow more users than the group, with +. Debian's group staff, which may
# write in /usr/local on old machines, has no members.
is_exposed() {
    read -r mode _ user group _ <<EOF
$(ls -ldn "$1")
EOF
    [ -n "${root_user-}" ] || read -r _ _ root_user root_group _ <<EOF
$(ls -ldn "$root/")
EOF
    [ "$user" = "$root_user" ] || return 0
    case $mode in
        ????????w*) return 0 ;;
        ?????w*+) return 0 ;;
        ?????w*) [ "$group" != "$root_group" ] && has_members "$group" ;;
        *) return 1 ;;
    esac
}

has_members() { ! members=$(getent group "$1") || [ -n "${members##*:}" ] || getent passwd | cut -d : -f 4 | grep -qx "$1"; }

# kube-proxy starts without IPv6 even where the cluster needs it, and it enables forwarding only for IPv4 in mode ipvs. Pods
# of the CNI plugin bridge need br_netfilter to reach Services.
check_kernel_settings() {
    case $FAMILIES in *IPv6*) has_ipv6 || problem "IPv6 must be enabled for the cluster's pods and Services, is disabled: run sysctl -w net.ipv6.conf.all.disable_ipv6=0 and set it in /etc/sysctl.d, or boot without ipv6.disable=1" ;; esac
    for family in $FAMILIES; do
        case $family in
            IPv4) forwarding=net/ipv4/ip_forward bridged=net/bridge/bridge-nf-call-iptables ;;
            IPv6) forwarding=net/ipv6/conf/all/forwarding bridged=net/bridge/bridge-nf-call-ip6tables ;;
        esac
        [ "$MODE $family" = "ipvs IPv4" ] || [ "$(kernel_setting "$forwarding")" != 0 ] ||
            warning "$(dotted "$forwarding") is 0, so pods behind Services can't be reached through this node: run sysctl -w $(dotted "$forwarding")=1 and set it in /etc/sysctl.d"
        for bridge in cni0 cbr0; do
            [ ! -e "$root/sys/class/net/$bridge/bridge" ] || [ "$(kernel_setting "$bridged")" = 1 ] ||
                warning "pods on the bridge $bridge can't reach each other through $family Services without br_netfilter: run modprobe br_netfilter and sysctl -w $(dotted "$bridged")=1, and make both permanent in /etc/modules-load.d and /etc/sysctl.d"
        done
    done
}

has_ipv6() { [ -e "$root/proc/net/if_inet6" ] && [ "$(kernel_setting net/ipv6/conf/all/disable_ipv6)" != 1 ]; }
# The shell's read gets one byte at a time, and the kernel gives a setting to the first read only.
kernel_setting() { cat "$root/proc/sys/$1" 2>/dev/null || :; }
dotted() { printf '%s' "$1" | tr / .; }

# Sockets in another network namespace came with systemd 242.
check_handover() {
    find_switch
    [ -n "$switch" ] || return 0
    has_free_name || problem "$reason"
    [ "$switch" = 'to nftables' ] || return 0
    instead="or set handover: false in kube-proxy:rollout, and new connections fail while the mode changes"
    timeout 20 ip netns list >/dev/null 2>&1 || problem "ip netns must work, so that kube-proxy can write its rules before the mode changes: upgrade the package $(package_here iproute2), $instead"
    [ -n "$(relay_program)" ] || problem "systemd-socket-proxyd must be installed, so that kube-proxy can write its rules before the mode changes: it is in the package $(package_here systemd), $instead"
    found=$(timeout 20 systemctl --version 2>/dev/null | awk 'NR == 1 { print int($2) }')
    [ "${found:-0}" -ge 242 ] || problem "systemd must be version 242 or newer, so that kube-proxy can write its rules before the mode changes, is $found: upgrade the operating system, $instead"
}

# Mode ipvs gives the Service addresses to kube-ipvs0, and then they are also the source addresses of the node's own requests. Until
# kube-ipvs0 is removed, the rules of mode iptables, and those of nftables without a second table (handover.sh), return the answers
# only if they can tell what is local.
check_own_requests() {
    [ "$MODE" != ipvs ] && [ -z "$switch" ] && has_ipvs_interface || return 0
    for family in $FAMILIES; do
        case $MASQUERADED_FAMILIES in
            *$family*) ;;
            *) problem "the change from mode ipvs to $MODE needs the pods' $family addresses, or the node's own requests to Services get no answer meanwhile: set cluster.clusterCIDR, another detectLocalMode or $MODE.masqueradeAll$([ "$MODE" = iptables ] || echo ', or handover: true in kube-proxy:rollout')" ;;
        esac
    done
}

# With a wrong clock valid certificates look expired or not yet valid. The Date header of any answer will do, so the
# connection isn't verified.
check_clock() {
    # shellcheck disable=SC2153 # a parameter
    prepare_curl "$SERVER" "$TLS_SERVER_NAME" "$PROXY_URL"
    answered=$(curl -sk -K curl.options --proxy-insecure --connect-timeout 5 --max-time 10 -o /dev/null -D - "$api_url/livez" 2>/dev/null | sed -n 's/^[Dd]ate: \([A-Z][a-z][a-z], [0-3][0-9] [A-Z][a-z][a-z] [0-9]\{4\} [0-9:]\{8\} GMT\).*/\1/p' | tail -n 1)
    { [ -n "$answered" ] && theirs=$(date -d "$answered" +%s 2>/dev/null); } || return 0
    ahead=$(($(date +%s) - theirs))
    [ "${ahead#-}" -le 60 ] || problem "the node's clock must be right, is ${ahead#-} s $([ "$ahead" -gt 0 ] && echo ahead of || echo behind) the API server's: set it (timedatectl set-ntp true)"
}

timeout 20 ss -Hltnp | printable >sockets || :
check_system
check_unit
check_programs
check_handover
check_own_requests
check_modules
check_modules_file
check_disk
check_live_files
check_ports
check_binary
check_clock
check_other_kube_proxy
check_firewall_managers
check_foreign_virtual_servers
check_kernel_settings
warn_of_differences
[ "$problems" = 0 ] || fail "$problems of this node's requirements are not met (see above); nothing was changed; fix them, then run pulumi up again"
say "ready for kube-proxy $VERSION in mode $MODE"
