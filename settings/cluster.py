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
    return Cluster(section.name, section.server, section.version, section.cluster_cidr, section.kubernetes_service)
