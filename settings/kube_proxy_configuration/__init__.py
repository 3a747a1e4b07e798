"""KubeProxyConfiguration, as a stack gives it in `configuration`: fields, types, and the rules of each version.

kube-proxy ignores a field that it doesn't know and only logs it. What it refuses, it reports in the journal of a node
on which it doesn't start. So all of it is checked here, before any node is contacted.
"""

from settings.kube_proxy_configuration.check import check_configuration
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.node_check import Fleet
from settings.kube_proxy_configuration.node_configuration import NodeConfiguration, configure
from settings.kube_proxy_configuration.vocabularies import Mode

__all__ = ["Fleet", "KubeProxyConfiguration", "Mode", "NodeConfiguration", "check_configuration", "configure"]
