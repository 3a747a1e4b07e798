"""What the rules work on: a node's configuration, where each value was written, and what it must fit."""

from collections.abc import Mapping
from dataclasses import dataclass

from settings.addresses import IP, ClusterCIDR
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.kube_proxy_configuration.node_configuration import NodeConfiguration
from settings.problems import OMITTED, Location, Problems, find


@dataclass(frozen=True)
class Fleet:
    """What all nodes share. `minor` is None if kube-proxy's version is unknown; `owners` has node names by address."""

    configuration: Mapping[str, object]
    minor: int | None
    cluster_cidr: ClusterCIDR | None
    owners: Mapping[IP, str]


@dataclass(frozen=True)
class NodeCheck:
    """One node, whose location is `at`, while it is checked; `own` is its `configuration` without the fleet's."""

    node: NodeConfiguration
    at: Location
    own: Mapping[str, object]
    fleet: Fleet
    problems: Problems

    @property
    def configuration(self) -> KubeProxyConfiguration:
        """The typed configuration, with defaults."""
        return self.node.kube_proxy

    def origin(self, *place: str | int) -> Location:
        """Return where the value at a place was written: in the node's own configuration or in the fleet's."""
        own = find(self.own, place) not in (OMITTED, None, "")
        return (*(self.at if own else ()), "configuration", *place)

    def value(self, *place: str | int) -> object:
        """Return the value at a place as it was written, or OMITTED."""
        return find(self.node.configuration, place)

    def invalid(self, *place: str | int, detail: str) -> None:
        """Report a value that is not what it must be."""
        self.problems.invalid(self.origin(*place), self.value(*place), detail)

    def forbidden(self, *place: str | int, detail: str) -> None:
        """Report a value that must not be set."""
        self.problems.forbidden(self.origin(*place), detail)

    def warn(self, *place: str | int, detail: str) -> None:
        """Warn about a value that kube-proxy accepts and that is probably a mistake."""
        self.problems.warn(self.origin(*place), self.value(*place), detail)
