"""The cluster that the nodes belong to."""

from settings.model import Cluster
from settings.problems import Problems
from settings.stack import ClusterSection


def read(section: ClusterSection, problems: Problems) -> Cluster | None:
    """Return the cluster's settings, or None and problems."""
    if section.server is None:
        problems.required(("cluster", "server"), "must be the API server's URL (e.g. https://192.168.99.100:8443)")
    if section.version is None:
        problems.required(
            ("cluster", "version"), "must be the control plane's version (e.g. 1.36.2): see kubectl version"
        )
    if section.server is None or section.version is None:
        return None
    if section.tls_server_name and (section.proxy_url or "").startswith("https:"):
        problems.forbidden(
            ("cluster", "proxyURL"),
            "must not be an https proxy beside cluster.tlsServerName: kube-proxy would verify the proxy's certificate "
            "for that name too; use an http or socks5 proxy",
        )
    return Cluster(
        name=section.name,
        server=section.server,
        version=section.version,
        cluster_cidr=section.cluster_cidr,
        kubernetes_service=section.kubernetes_service,
        tls_server_name=section.tls_server_name,
        proxy_url=section.proxy_url,
    )
