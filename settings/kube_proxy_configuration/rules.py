"""Rules for one node's configuration in every version: upstream's validation, and mistakes that it accepts.

Upstream's validation is k8s.io/kubernetes pkg/proxy/apis/config/validation/validation.go and k8s.io/component-base
logs/api/v1/options.go. tests/kube_proxy compares these rules with a kube-proxy of each version.
"""

import re

from settings.kube_proxy_configuration.enums import LocalMode, LogFormat, Mode
from settings.kube_proxy_configuration.node_check import NodeCheck
from settings.kube_proxy_configuration.values import SECOND


def check_rules(check: NodeCheck) -> None:
    """Report what is wrong, or probably a mistake, in the configuration itself."""
    for rule in (_sync_periods, _no_delay, _detect_local, _logging, _strict_arp, _port_range, _profiling):
        rule(check)


def _sync_periods(check: NodeCheck) -> None:
    for name in Mode:
        section = getattr(check.configuration, name)
        longest, shortest = section.sync_period, section.min_sync_period
        if shortest > longest and "min_sync_period" in section.model_fields_set:
            check.invalid(name, "minSyncPeriod", detail=f"must be at most {name}.syncPeriod, {_seconds(longest)}")
        elif shortest > longest:
            check.invalid(name, "syncPeriod", detail=f"must be at least {name}.minSyncPeriod, {_seconds(shortest)}")


def _no_delay(check: NodeCheck) -> None:
    for name in (Mode.IPTABLES, Mode.NFTABLES):
        if re.fullmatch(r"[-+]?[0.a-zµμ]+", str(check.value(name, "minSyncPeriod"))):
            detail = "counts as unset and becomes 1s, although upstream documents no delay: write 1ns for no delay"
            check.warn(name, "minSyncPeriod", detail=detail)


def _detect_local(check: NodeCheck) -> None:
    mode, given = check.configuration.detect_local_mode, check.configuration.detect_local
    for needing, name, value, example in (
        (LocalMode.BRIDGE_INTERFACE, "bridgeInterface", given.bridge_interface, "cni0"),
        (LocalMode.INTERFACE_NAME_PREFIX, "interfaceNamePrefix", given.interface_name_prefix, "veth"),
    ):
        if mode == needing and value is None:
            at = (*check.origin("detectLocalMode")[:-1], "detectLocal", name)
            check.problems.required(at, f"must be set with detectLocalMode {mode} (e.g. {example})")


def _logging(check: NodeCheck) -> None:
    logging = check.configuration.logging
    if logging.vmodule and logging.format != LogFormat.TEXT:
        check.forbidden("logging", "vmodule", detail="works only with format text: remove it")
    for name, options in {"text": logging.options.text, "json": logging.options.json_}.items():
        if options.split_stream:
            # logs/api/v1/options.go addFlags resets it to the flag's default after the file is read.
            detail = f"has no effect: kube-proxy reads only the flag --log-{name}-split-stream; remove it"
            check.forbidden("logging", "options", name, "splitStream", detail=detail)
    if logging.verbosity:
        check.warn("logging", "verbosity", detail="has no effect, because the flag --v wins: set service.verbosity")


def _strict_arp(check: NodeCheck) -> None:
    ipvs, mode = check.configuration.ipvs, check.configuration.mode
    if mode == Mode.IPVS and "strict_arp" not in ipvs.model_fields_set:
        check.warn(
            "ipvs",
            "strictARP",
            detail="is unset and therefore false: set true if MetalLB or kube-vip answers ARP for addresses of "
            "Services, otherwise every node answers too; set false if neither does",
        )
    elif mode != Mode.IPVS and ipvs.strict_arp and check.origin("ipvs", "strictARP")[:-2] == check.origin("mode")[:-1]:
        # If only one of the two is the node's own, the fleet's value may be meant for other nodes.
        check.warn(
            "ipvs", "strictARP", detail=f"has no effect in mode {mode}, which puts no Service address on an interface"
        )


def _port_range(check: NodeCheck) -> None:
    if check.configuration.port_range:
        check.warn("portRange", detail="has no effect since 1.26: remove it")


def _profiling(check: NodeCheck) -> None:
    metrics = check.configuration.metrics_bind_address
    if check.configuration.enable_profiling and not (metrics and metrics.ip.is_loopback):
        check.warn(
            "enableProfiling",
            detail="shows /debug/pprof, with kube-proxy's command line and memory, to everyone who reaches the metrics "
            "address: set metricsBindAddress to 127.0.0.1:10249, or let a firewall allow only your monitoring",
        )


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND:g}s"
