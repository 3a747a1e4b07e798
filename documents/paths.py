"""The paths of the files on a node, but for those that a stack chooses: the guide's."""

from typing import Final

KUBECONFIG: Final = "/etc/kubernetes/kube-proxy.kubeconfig"
CONFIGURATION: Final = "/etc/kubernetes/kube-proxy-config.yaml"
ENVIRONMENT_FILE: Final = "/etc/kubernetes/kube-proxy.conf"

RECOVER: Final = "/var/lib/kube-proxy-generations/recover"
"""scripts/recover.sh, which stage.sh installs."""
