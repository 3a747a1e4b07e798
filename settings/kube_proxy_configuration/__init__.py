"""KubeProxyConfiguration, as a stack sets it in `configuration`: fields, types, and the rules of each version.

kube-proxy ignores unknown fields and only logs them, and it reports errors only in the journal of a node where it then
doesn't start. So everything is checked here, before any node is contacted.
"""

from settings.kube_proxy_configuration.check import check_configuration
from settings.kube_proxy_configuration.enums import Mode
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.node_check import Fleet
from settings.kube_proxy_configuration.node_configuration import NodeConfiguration, configure

__all__ = ["Fleet", "KubeProxyConfiguration", "Mode", "NodeConfiguration", "check_configuration", "configure"]
