"""KubeProxyConfiguration, as a stack gives it in `configuration`: fields, types, and the rules of each version.

kube-proxy ignores a field that it doesn't know and only logs it, and says what is wrong in the journal of the node that
it doesn't start on. So all of it is checked here, before any node is contacted.
"""

from collections.abc import Mapping

from settings.kube_proxy_configuration import rules, version_rules
from settings.kube_proxy_configuration.check import Check, find
from settings.kube_proxy_configuration.configuration import KubeProxyConfiguration
from settings.kube_proxy_configuration.node import HEALTHZ_PORT, METRICS_PORT, Surroundings, check_family
from settings.kube_proxy_configuration.node import check as check_node
from settings.kube_proxy_configuration.vocabularies import Mode
from settings.problems import OMITTED, Location, Problems
from settings.shape import read

__all__ = ["HEALTHZ_PORT", "METRICS_PORT", "Mode", "Surroundings", "check", "check_family", "check_fields", "merge"]

Place = tuple[Location, Mapping[str, object]]
"""Where a `configuration` stands, and what it says."""


def check_fields(place: Place, problems: Problems) -> None:
    """Report unknown fields, those that don't belong here, and values that are not of their field's type."""
    at, values = place
    read(KubeProxyConfiguration, values, problems, at)


def check(fleet: Place, own: Place, minor: int | None, node: Surroundings, problems: Problems) -> None:
    """Report what is wrong with a node's whole configuration, its own values over the fleet's, where it was written.

    `minor` is the minor version of its kube-proxy; without it, only what all versions share is checked.
    """

    def origin(location: Location) -> Location:
        at, values = own
        return (*(at if find(values, location) is not OMITTED else fleet[0]), *location)

    merged = merge(fleet[1], own[1])
    # What is wrong with a single field was reported where it was written, by check_fields.
    it = Check(read(KubeProxyConfiguration, merged, Problems()), merged, origin, problems)
    rules.check(it)
    if minor is not None:
        version_rules.check(it, minor)
    check_node(it, node)


def merge(fleet: Mapping[str, object], own: Mapping[str, object]) -> Mapping[str, object]:
    """Return a node's own values over the fleet's: mappings merge at every depth, lists and plain values replace.

    A null or an empty text counts as not given, and is left out: kube-proxy refuses some of the nulls.
    """
    merged = {name: _given(value) for name, value in fleet.items() if value not in (None, "")}
    for name, value in own.items():
        below = merged.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[name] = merge(below, value)
        elif value not in (None, ""):
            merged[name] = _given(value)
    return merged


def _given(value: object) -> object:
    if isinstance(value, Mapping):
        return merge(value, {})
    return [_given(item) for item in value] if isinstance(value, list) else value
