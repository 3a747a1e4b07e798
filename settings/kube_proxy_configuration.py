"""The fields of KubeProxyConfiguration that a stack may set, and the few whose values are checked here.

kube-proxy ignores a field that it doesn't know and only logs it, so names are checked at every depth. The names are
those of k8s.io/kube-proxy config/v1alpha1/types.go and k8s.io/component-base (config/v1alpha1, logs/api/v1), the same
in every supported version. What the other values must be is left to the node's own kube-proxy (`--write-config-to`).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from settings.addresses import address_and_port, families, parsed_address
from settings.problems import Kind, Location, Problems, supported_values
from settings.shape import unknown_key

HEALTHZ_PORT: Final = 10256
METRICS_PORT: Final = 10249

Fields: TypeAlias = Mapping[str, "Fields | None"]
"""Names of fields; None where what is below is a plain value, a list or keys of the user's own."""


class Mode(StrEnum):
    """How kube-proxy programs the kernel."""

    IPVS = "ipvs"
    IPTABLES = "iptables"
    NFTABLES = "nftables"


def _fields(*names: str, **nested: Fields) -> Fields:
    return {**dict.fromkeys(names), **nested}


_STREAM: Final = _fields("splitStream", "infoBufferSize")

_FIELDS: Final = _fields(
    "featureGates",
    "hostnameOverride",
    "bindAddress",
    "healthzBindAddress",
    "metricsBindAddress",
    "bindAddressHardFail",
    "enableProfiling",
    "showHiddenMetricsForVersion",
    "mode",
    "detectLocalMode",
    "nodePortAddresses",
    "oomScoreAdj",
    "configSyncPeriod",
    "portRange",
    clientConnection=_fields("acceptContentTypes", "contentType", "qps", "burst"),
    logging=_fields("format", "flushFrequency", "verbosity", "vmodule", options=_fields(text=_STREAM, json=_STREAM)),
    iptables=_fields("masqueradeBit", "masqueradeAll", "localhostNodePorts", "syncPeriod", "minSyncPeriod"),
    ipvs=_fields(
        "syncPeriod",
        "minSyncPeriod",
        "scheduler",
        "excludeCIDRs",
        "strictARP",
        "tcpTimeout",
        "tcpFinTimeout",
        "udpTimeout",
    ),
    nftables=_fields("masqueradeBit", "masqueradeAll", "syncPeriod", "minSyncPeriod"),
    detectLocal=_fields("bridgeInterface", "interfaceNamePrefix"),
    conntrack=_fields(
        "maxPerCore",
        "min",
        "tcpEstablishedTimeout",
        "tcpCloseWaitTimeout",
        "tcpBeLiberal",
        "udpTimeout",
        "udpStreamTimeout",
    ),
)

_NOT_HERE: Final[Mapping[Location, str]] = {
    ("kind",): "is always KubeProxyConfiguration: remove it",
    ("apiVersion",): "is always kubeproxy.config.k8s.io/v1alpha1: remove it",
    ("clientConnection", "kubeconfig"): "is always the kubeconfig that this program makes: remove it",
    (
        "clusterCIDR",
    ): "belongs to cluster.clusterCIDR, where the nodes' addresses are checked against it: move it there",
    ("winkernel",): "is for Windows nodes: remove it",
    ("windowsRunAsService",): "is for Windows nodes: remove it",
    ("udpIdleTimeout",): "was removed in 1.26: remove it",
}

_VALUES: Final[Mapping[str, Callable[[str], object]]] = {
    "bindAddress": parsed_address,
    "healthzBindAddress": address_and_port,
    "metricsBindAddress": address_and_port,
}


def check(configuration: Mapping[str, object], at: Location, problems: Problems) -> None:
    """Report unknown fields, those that don't belong here, and values that kube-proxy would not start with."""
    _check_names(configuration, _FIELDS, at, (), problems)
    if "mode" in configuration and configuration["mode"] not in list(Mode):
        problems.add((*at, "mode"), Kind.UNSUPPORTED, configuration["mode"], supported_values(Mode))
    for name, read in _VALUES.items():
        if name in configuration:
            try:
                read(str(configuration[name]))
            except ValueError as error:
                problems.invalid((*at, name), configuration[name], str(error))


def _check_names(values: object, known: Fields, at: Location, below: Location, problems: Problems) -> None:
    if not isinstance(values, Mapping):
        problems.invalid((*at, *below), values, "must be a mapping")
        return
    for name, value in values.items():
        place = (*below, name)
        if place in _NOT_HERE:
            problems.forbidden((*at, *place), _NOT_HERE[place])
        elif name not in known:
            problems.forbidden((*at, *place), unknown_key(str(name), tuple(known)))
        elif (fields := known[name]) is not None and value is not None:
            _check_names(value, fields, at, place, problems)


def check_node(
    merged: Mapping[str, object],
    origin: Callable[[str], Location],
    name: str | None,
    cluster_cidr: str | None,
    problems: Problems,
) -> None:
    """Report what doesn't fit a node: `merged` is its whole configuration, `origin` tells where a field was written."""
    override = merged.get("hostnameOverride", name)
    if name is not None and override != name:
        # kube-proxy waits for ever for a Node of another name, and writes no rule.
        problems.invalid(origin("hostnameOverride"), override, f'must be the node\'s name "{name}": remove it')
    _check_ports(merged, origin, problems)
    if "bindAddress" in merged and cluster_cidr is not None:
        check_family(str(merged["bindAddress"]), origin("bindAddress"), cluster_cidr, problems)


def _check_ports(merged: Mapping[str, object], origin: Callable[[str], Location], problems: Problems) -> None:
    ports = {"healthzBindAddress": HEALTHZ_PORT, "metricsBindAddress": METRICS_PORT}
    for name in ports:
        if name in merged and not problems.at(origin(name)):
            ports[name] = address_and_port(str(merged[name]))[1]
    healthz, metrics = ports.values()
    if healthz == metrics:
        name = "metricsBindAddress" if "metricsBindAddress" in merged else "healthzBindAddress"
        must = f"must have a port of its own: healthzBindAddress and metricsBindAddress both have {healthz}"
        problems.invalid(origin(name), merged[name], must)


def check_family(address: str, at: Location, cluster_cidr: str, problems: Problems) -> None:
    """Report an address of a family that the cluster's pods don't have: kube-proxy stops over it at its start."""
    if problems.at(at):
        return
    known = families(cluster_cidr)
    if parsed_address(address).version not in known:
        problems.invalid(at, address, f"must be an IPv{known[0]} address, as cluster.clusterCIDR ({cluster_cidr}) is")
