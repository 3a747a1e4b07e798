#!/bin/sh
# Asks a node which kube-proxy runs on it, and changes nothing. `python -m commands.adopt` sends it to `sh -s MARK`.
#
# An answer is a line `MARK NAME BASE64`; anything else on standard output comes from the login's own shell. Private keys,
# passwords and tokens stay on the node: of a kubeconfig only lines with a known key and a plain value are read, of the
# environment only names. $root is empty on a node; tests set it.

set -u
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
root=${root-}
mark=$1
largest=262144

answer() { printf '%s %s %s\n' "$mark" "$1" "$(head -c "$largest" | base64 | tr -d '\n')"; }
ask_http() { curl -q -s -k --noproxy '*' --connect-timeout 3 --max-time 5 "$1" 2>/dev/null | head -c "$largest"; }
unquoted() { tr -d '"\047\r' | sed 's/[[:space:]]*$//'; }

# Prints a line `PID COMMAND MAIN CGROUP` for each process that may be this machine's kube-proxy, not one of a container with a
# network or users of its own; MAIN is yes for a unit's main process, and shell for a child of kube-proxy.service's, which is a shell.
# Only root's can be one: its program is run again, as root, and any user can give a process this name.
list_processes() {
    for process in "$root"/proc/[0-9]*; do
        { read -r command <"$process/comm"; } 2>/dev/null || continue
        # A name with a space would pass for MAIN.
        case $command in *[!A-Za-z0-9._-]*) continue ;; kube-proxy* | hyperkube | kubelite | k3s*) ;; *) continue ;; esac
        { is_here net && is_here user; } || continue
        group=$(sed -n '$s/.*://p' "$process/cgroup" 2>/dev/null)
        main=no
        case $group in *.service) ! is_roots || find_main "${group##*/}" ;; esac
        printf '%s %s %s %s\n' "${process##*/}" "$command" "$main" "$group"
    done
}

# find_main UNIT: sets $main.
find_main() {
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$process/status")
    case $1:$(systemctl show -p MainPID -- "$1" 2>/dev/null) in
        "$1:MainPID=${process##*/}") main=yes ;;
        "kube-proxy.service:MainPID=$parent") grep -qsxE '(ba|da|a|k|z)?sh' "$root/proc/$parent/comm" && main=shell ;;
    esac
}

is_here() { [ "$(readlink "$process/ns/$1")" = "$(readlink "$root/proc/$$/ns/$1")" ]; }
is_roots() { grep -qs '^Uid:[[:space:]]*0[[:space:]]' "$process/status"; }

# path FILE DIRECTORY: where a file is whose name may be relative to a directory.
path() { case $1 in /*) printf '%s' "$root$1" ;; *) printf '%s' "$2/$1" ;; esac; }

# What kube-proxy's own file and flags mean: the program that runs reads them again, with the same arguments, and exits.
ask_program() {
    exe=$process/exe
    export exe
    # shellcheck disable=SC2016
    (cd "$process/cwd" && xargs -0 sh -c 'exec timeout 20 "$exe" "$@" --write-config-to /dev/stdout' <"$process/cmdline" 2>/dev/null | head -c "$largest")
}

# The configuration in the memory of the process. The metrics address is one of those where it listens.
ask_configz() {
    timeout 20 ss -Hltnp 2>/dev/null | awk -v own="pid=$pid," 'index($0, own) { sub(/^\*/, "127.0.0.1", $4); sub(/%[^]:]*/, "", $4); print $4 }' |
        head -n 20 | while read -r listener; do
        configz=$(ask_http "http://$listener/configz")
        case $configz in '{"kubeproxy.config.k8s.io"'*) printf '%s' "$configz" && break ;; esac
    done
}

describe_kubeconfig() {
    answer kubeconfig-path <<END
${1#"$root"}
END
    known='apiVersion|kind|clusters?|contexts?|current-context|users?|name|server|tls-server-name|proxy-url|certificate-authority(-data)?|insecure-skip-tls-verify'
    lines=$(grep -E "^[[:space:]]*(-[[:space:]]+)?($known):([[:space:]]+[^][{}&*|>![:space:]][^{}]*)?[[:space:]]*\$" "$1" 2>/dev/null | sed 's#//[^/]*@#//REMOVED@#')
    printf '%s\n' "$lines" | answer kubeconfig
    authority=$(printf '%s\n' "$lines" | sed -n 's/^[[:space:]-]*certificate-authority:[[:space:]]*//p' | head -n 1 | unquoted)
    [ -z "$authority" ] || sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$(path "$authority" "${1%/*}")" 2>/dev/null | answer authority
    server=$(printf '%s\n' "$lines" | sed -n 's/^[[:space:]-]*server:[[:space:]]*//p' | head -n 1 | unquoted)
    case $server in https://*) ask_http "$server/version" | answer api-version ;; esac
}

# describe PID UNIT
describe() {
    pid=$1
    process=$root/proc/$pid
    answer arguments <"$process/cmdline"
    systemctl show -p Id,FragmentPath,DropInPaths,WorkingDirectory,ExecStartPre,ExecStartPost,ExecStopPost -- "$2" 2>/dev/null | answer unit
    readlink "$process/exe" | sed "s#^$root/#/#" | answer binary
    readlink -f "$root/usr/local/bin/kube-proxy" | sed "s#^$root/#/#" | answer installed
    sha256sum <"$process/exe" | answer sha256
    version=$(timeout 20 "$process/exe" --version 2>/dev/null | head -c 100)
    printf '%s\n' "$version" | answer version
    tr '\0' '\n' <"$process/environ" | sed -n 's/^\([A-Za-z]*_PROXY\|[a-z]*_proxy\|GO[A-Z]*\|KUBE_FEATURE_[A-Za-z]*\)=.*/\1/p' | answer environment

    # Of a script the running program is the shell.
    case $version in 'Kubernetes v'*) configuration=$(ask_program) ;; *) configuration='' ;; esac
    configz=$(ask_configz)
    printf '%s\n' "$configuration" | answer configuration
    printf '%s\n' "$configz" | answer configz
    kubeconfig=$(printf '%s' "$configz" | sed -n 's/.*"kubeconfig":"\([^"]*\)".*/\1/p')
    [ -n "$kubeconfig" ] || kubeconfig=$(printf '%s\n' "$configuration" | sed -n 's/^  kubeconfig:[[:space:]]*//p' | unquoted)
    [ -z "$kubeconfig" ] || describe_kubeconfig "$(path "$kubeconfig" "$process/cwd")"
}

main() {
    echo # the login's shell may have printed a line without its end
    uname -n | answer hostname
    uname -m | answer machine
    id -u | answer uid
    printf '%s' "${SSH_CONNECTION-}" | answer connection
    processes=$(list_processes)
    printf '%s\n' "$processes" | answer processes
    chosen=$(printf '%s\n' "$processes" | awk '$2 ~ /^kube-proxy/ && $3 != "no" { print $1, $4; exit }')
    [ -z "$chosen" ] || describe "${chosen%% *}" "${chosen##*/}"
    printf '' | answer end
}

# The shell has read all of the script before anything can read its standard input.
main </dev/null
