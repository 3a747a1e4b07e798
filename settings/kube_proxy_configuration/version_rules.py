"""What a configuration must be for one minor version of kube-proxy 1.x; the field `Since` that version is among it.

Sources: as in rules.py, and the feature gates' files.
"""

from typing import Final

from settings.kube_proxy_configuration import feature_gates
from settings.kube_proxy_configuration.check import Check, find
from settings.kube_proxy_configuration.configuration import walk
from settings.kube_proxy_configuration.values import NODE_PORT_KEYWORDS, Since, amount
from settings.kube_proxy_configuration.vocabularies import Mode
from settings.problems import OMITTED, Kind

_IPVS_DEPRECATED: Final = 35
_IPVS_OFF: Final = 40
_IPVS_GONE: Final = 43
"""Kubernetes enhancement 5495."""

_KEYWORDS_MIX: Final = 37


def check(it: Check, minor: int) -> None:
    """Report what kube-proxy 1.`minor` doesn't have, or doesn't accept."""
    for rule in (_fields, _gates, _gated_logging, _ipvs, _node_port_addresses, _hidden_metrics):
        rule(it, minor)


def _fields(it: Check, minor: int) -> None:
    for place, field, _ in walk(it.configuration):
        for mark in field.metadata:
            if isinstance(mark, Since) and mark.minor > minor and find(it.raw, place) is not OMITTED:
                it.problems.forbidden(
                    it.origin(place),
                    f"is new in 1.{mark.minor} and unknown to 1.{minor}: remove it, or take a newer kube-proxy",
                )


def _gates(it: Check, minor: int) -> None:
    gates = it.configuration.feature_gates
    for name, value in gates.items():
        refusal = feature_gates.refusal(minor, name)
        if refusal is not None:
            it.problems.forbidden(it.origin(("featureGates", name)), refusal)
        elif (gate := feature_gates.known(minor)[name]).locked:
            only = str(gate.default).lower()
            if value != gate.default:
                it.invalid("featureGates", name, detail=f"must be {only}: 1.{minor} has locked it; remove it")
            else:
                it.warn("featureGates", name, detail=f"is always {only} in 1.{minor} and will go: remove it")
    for name, missing in feature_gates.unmet(minor, gates).items():
        guilty = next(other for other in (name, *missing, "AllAlpha", "AllBeta") if other in gates)
        it.invalid(
            "featureGates",
            guilty,
            detail=f"must go together: {name} is on and needs {', '.join(missing)} on",
        )


def _gated_logging(it: Check, minor: int) -> None:
    if feature_gates.enabled(minor, it.configuration.feature_gates).get("LoggingAlphaOptions"):
        return
    given = it.configuration.logging.options
    for name, options in {"text": given.text, "json": given.json_}.items():
        if amount(options.info_buffer_size):
            at = it.origin(("logging", "options", name, "infoBufferSize"))
            it.problems.forbidden(at, "needs the feature gate LoggingAlphaOptions: true (alpha), or remove it")


def _ipvs(it: Check, minor: int) -> None:
    if it.configuration.mode != Mode.IPVS:
        return
    at = it.origin(("mode",))
    if minor >= _IPVS_GONE:
        it.problems.add(at, Kind.UNSUPPORTED, Mode.IPVS, f"was removed in 1.{_IPVS_GONE}: use nftables")
    elif not feature_gates.enabled(minor, it.configuration.feature_gates).get("KubeProxyIPVS", True):
        must = "needs the feature gate KubeProxyIPVS, which is off: turn it on, or use nftables"
        it.problems.add(at, Kind.UNSUPPORTED, Mode.IPVS, must)
    elif minor >= _IPVS_DEPRECATED:
        it.problems.warn(
            at,
            Mode.IPVS,
            f"is deprecated since 1.{_IPVS_DEPRECATED}, off by default from 1.{_IPVS_OFF}, gone in 1.{_IPVS_GONE}: "
            "plan for nftables (Linux 5.13, nft 1.0.1 or newer)",
        )


def _node_port_addresses(it: Check, minor: int) -> None:
    addresses = it.configuration.node_port_addresses
    older, newer = minor < _KEYWORDS_MIX, f"from 1.{_KEYWORDS_MIX} on; binary.version is 1.{minor}"
    for index, keyword in (
        (index, address) for index, address in enumerate(addresses) if address in NODE_PORT_KEYWORDS
    ):
        place = ("nodePortAddresses", index)
        if older and keyword != "primary":
            must = f"must be a CIDR block (e.g. 192.168.99.0/24) or primary; {keyword} is known {newer}"
            it.invalid(*place, detail=must)
        elif older and len(addresses) > 1:
            it.invalid(*place, detail=f"must stand alone; it may stand beside others {newer}")
        elif keyword in addresses[:index]:
            it.problems.add(it.origin(place), Kind.DUPLICATE, keyword)
        elif keyword == "localhost" and not _answers_on_localhost(it, minor):
            gate = "KubeProxyNFTablesLocalhostNodePorts"
            it.warn(*place, detail=f"works in mode iptables, and in mode nftables with the feature gate {gate} (alpha)")


def _answers_on_localhost(it: Check, minor: int) -> bool:
    gates = feature_gates.enabled(minor, it.configuration.feature_gates)
    return it.configuration.mode == Mode.IPTABLES or (
        it.configuration.mode == Mode.NFTABLES and gates.get("KubeProxyNFTablesLocalhostNodePorts", False)
    )


def _hidden_metrics(it: Check, minor: int) -> None:
    only = f"1.{minor - 1}"
    if it.configuration.show_hidden_metrics_for_version not in (None, "", only):
        it.invalid("showHiddenMetricsForVersion", detail=f'must be "{only}", the minor version before binary.version')
