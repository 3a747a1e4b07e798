"""Rules for one node's configuration in one minor version of kube-proxy 1.x. The sources are those of rules.py."""

from typing import Final

from settings.kube_proxy_configuration.enums import Mode
from settings.kube_proxy_configuration.feature_gates import is_enabled
from settings.kube_proxy_configuration.node_check import NodeCheck
from settings.kube_proxy_configuration.values import NODE_PORT_KEYWORDS, amount
from settings.problems import Kind

_IPVS_DEPRECATED: Final = 35
_IPVS_OFF: Final = 40
_IPVS_GONE: Final = 43
"""Minor versions of Kubernetes enhancement 5495."""

_KEYWORDS_MIX: Final = 37
_LOCALHOST_GATE: Final = "KubeProxyNFTablesLocalhostNodePorts"


def check_version_rules(check: NodeCheck, minor: int) -> None:
    """Report what kube-proxy 1.`minor` doesn't have or doesn't accept."""
    for rule in (_gated_logging, _ipvs, _node_port_addresses, _hidden_metrics):
        rule(check, minor)


def _gated_logging(check: NodeCheck, minor: int) -> None:
    if is_enabled(check, minor, "LoggingAlphaOptions"):
        return
    given = check.configuration.logging.options
    for name, options in {"text": given.text, "json": given.json_}.items():
        if amount(options.info_buffer_size):
            detail = "needs the feature gate LoggingAlphaOptions (alpha): turn it on, or remove infoBufferSize"
            check.forbidden("logging", "options", name, "infoBufferSize", detail=detail)


def _ipvs(check: NodeCheck, minor: int) -> None:
    if check.configuration.mode != Mode.IPVS:
        return
    at = check.origin("mode")
    if not is_enabled(check, minor, "KubeProxyIPVS", unknown=True):
        must = "needs the feature gate KubeProxyIPVS, which is off: turn it on, or use nftables"
        check.problems.add(at, Kind.UNSUPPORTED, Mode.IPVS, must)
    elif minor >= _IPVS_DEPRECATED:
        check.problems.warn(
            at,
            Mode.IPVS,
            f"is deprecated since 1.{_IPVS_DEPRECATED}, off by default from 1.{_IPVS_OFF}, removed in 1.{_IPVS_GONE}: "
            "plan for nftables (Linux 5.13, nft 1.0.1 or newer)",
        )


def _node_port_addresses(check: NodeCheck, minor: int) -> None:
    addresses = check.configuration.node_port_addresses
    older, newer = minor < _KEYWORDS_MIX, f"1.{_KEYWORDS_MIX}; binary.version is 1.{minor}"
    for index, keyword in enumerate(addresses):
        place = ("nodePortAddresses", index)
        if keyword not in NODE_PORT_KEYWORDS:
            continue
        if older and keyword != "primary":
            must = f"must be a CIDR block (e.g. 192.168.99.0/24) or primary; {keyword} is new in {newer}"
            check.invalid(*place, detail=must)
        elif older and len(addresses) > 1:
            check.invalid(*place, detail=f"must be the only item before {newer}")
        elif keyword in addresses[:index]:
            check.problems.add(check.origin(*place), Kind.DUPLICATE, keyword)
        elif keyword == "localhost" and not _answers_on_localhost(check, minor):
            works = f"works only in mode iptables, or in mode nftables with the feature gate {_LOCALHOST_GATE} (alpha)"
            check.warn(*place, detail=works)


def _answers_on_localhost(check: NodeCheck, minor: int) -> bool:
    gated = check.configuration.mode == Mode.NFTABLES and is_enabled(check, minor, _LOCALHOST_GATE)
    return check.configuration.mode == Mode.IPTABLES or gated


def _hidden_metrics(check: NodeCheck, minor: int) -> None:
    only = f"1.{minor - 1}"
    if check.configuration.show_hidden_metrics_for_version not in (None, "", only):
        must = f'must be "{only}", the minor version before binary.version'
        check.invalid("showHiddenMetricsForVersion", detail=must)
