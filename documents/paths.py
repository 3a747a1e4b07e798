"""The paths of the files on a node: the guide's."""

from typing import Final

KUBECONFIG: Final = "/etc/kubernetes/kube-proxy.kubeconfig"
CONFIGURATION: Final = "/etc/kubernetes/kube-proxy-config.yaml"
ENVIRONMENT_FILE: Final = "/etc/kubernetes/kube-proxy.conf"
BINARY: Final = "/usr/local/bin/kube-proxy"

RECOVER: Final = "/var/lib/kube-proxy-generations/recover"
"""scripts/recover.sh, which stage.sh installs."""
