"""The systemd unit of kube-proxy: the guide's, and a line that keeps a cut-off activation from leaving a mixture."""

from documents import paths


def render(k8s_dir: str) -> str:
    """Return the unit; kube-proxy works in `<k8s_dir>/kube-proxy`."""
    return f"""\
[Unit]
Description=Kubernetes Kube-Proxy Server
Documentation=https://github.com/GoogleCloudPlatform/kubernetes
After=network.target

[Service]
WorkingDirectory={paths.working_directory(k8s_dir)}
EnvironmentFile={paths.ENVIRONMENT_FILE}
ExecStartPre=-/bin/sh {paths.RECOVER}
ExecStart={paths.BINARY} $KUBE_PROXY_ARGS
Restart=on-failure
RestartSec=5
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""
