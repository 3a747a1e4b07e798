"""kube-proxy's systemd unit: the guide's, with scripts/recover.sh, which undoes an interrupted activation."""

from documents import paths


def render(k8s_dir: str) -> str:
    """Return the unit; kube-proxy works in `<k8s_dir>/kube-proxy`."""
    return f"""\
[Unit]
Description=Kubernetes Kube-Proxy Server
Documentation=https://github.com/GoogleCloudPlatform/kubernetes
After=network.target

[Service]
WorkingDirectory={k8s_dir}/kube-proxy
EnvironmentFile={paths.ENVIRONMENT_FILE}
ExecStartPre=-/bin/sh {paths.RECOVER}
ExecStart={paths.BINARY} $KUBE_PROXY_ARGS
Restart=on-failure
RestartSec=5
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""
