"""One node's whole configuration while it is checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from settings.kube_proxy_configuration.configuration import KubeProxyConfiguration
from settings.problems import OMITTED, Location, Problems


@dataclass(frozen=True)
class Check:
    """A configuration as kube-proxy gets it, typed and raw, and where each of its values was written."""

    configuration: KubeProxyConfiguration
    raw: Mapping[str, object]
    origin: Callable[[Location], Location]
    problems: Problems

    def invalid(self, *place: str | int, detail: str) -> None:
        """Note a value that is not what it must be."""
        self.problems.invalid(self.origin(place), find(self.raw, place), detail)

    def warn(self, *place: str | int, detail: str) -> None:
        """Note a value that kube-proxy accepts and that is hardly what its writer means."""
        self.problems.warn(self.origin(place), find(self.raw, place), detail)


def find(values: object, place: Location, default: object = OMITTED) -> object:
    """Return the value at a place below, the default where there is none."""
    for step in place:
        try:
            values = values[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return default
    return values
