"""Where the files stand on a node: the guide's places."""

from typing import Final

KUBECONFIG: Final = "/etc/kubernetes/kube-proxy.kubeconfig"
CONFIGURATION: Final = "/etc/kubernetes/kube-proxy-config.yaml"
ENVIRONMENT_FILE: Final = "/etc/kubernetes/kube-proxy.conf"
SYSTEMD_UNIT: Final = "/usr/lib/systemd/system/kube-proxy.service"
BINARY: Final = "/usr/local/bin/kube-proxy"

RECOVER: Final = "/var/lib/kube-proxy-generations/recover"
"""What a stage leaves there is scripts/recover.sh."""


def working_directory(k8s_dir: str) -> str:
    """Return the directory that kube-proxy works in."""
    return f"{k8s_dir}/kube-proxy"
