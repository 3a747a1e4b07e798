"""kube-proxy's systemd unit: the guide's, with a sandbox, and scripts/recover.sh, which undoes a cut-off activation."""

from documents import paths
from settings import Service

_SANDBOX = """\
UnsetEnvironment=HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SYS_RESOURCE
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths=-/run/xtables.lock /proc/sys/net -/sys/module/nf_conntrack/parameters
ProtectHome=read-only
PrivateTmp=true
PrivateDevices=true
PrivateMounts=true
ProtectProc=invisible
ProtectClock=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
MemoryDenyWriteExecute=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
UMask=0077
"""
"""What kube-proxy needs is left: CAP_NET_ADMIN for rules and sysctls, CAP_NET_RAW for iptables, CAP_NET_BIND_SERVICE
for listeners below port 1024, CAP_SYS_RESOURCE for a lower oomScoreAdj, and conntrack's settings. Staging and boot load
the modules. Its environment has no proxy: cluster.proxyURL is in the kubeconfig, and systemd's DefaultEnvironment must
not override it. An older systemd ignores directives that it doesn't know.
"""


def render(service: Service) -> str:
    """Return the unit. Without `hardened` kube-proxy has all of root's rights.

    The recovery has them always (`+`), since it writes the files that kube-proxy must not.
    """
    sandbox, rights = (_SANDBOX, "+") if service.hardened else ("", "")
    return f"""\
[Unit]
Description=Kubernetes Kube-Proxy Server
Documentation=https://github.com/GoogleCloudPlatform/kubernetes
After=network.target

[Service]
WorkingDirectory={service.k8s_dir}/kube-proxy
EnvironmentFile={paths.ENVIRONMENT_FILE}
ExecStartPre=-{rights}/bin/sh {paths.RECOVER}
ExecStart={service.binary_path} $KUBE_PROXY_ARGS
Restart=on-failure
RestartSec=5
LimitNOFILE=65536
{sandbox}
[Install]
WantedBy=multi-user.target
"""
