"""What one whole configuration must be in every version: upstream's validation, and what that lets through.

Upstream's is k8s.io/kubernetes pkg/proxy/apis/config/validation/validation.go and k8s.io/component-base
logs/api/v1/options.go; the tests ask a kube-proxy of each version whether it agrees.
"""

import re

from settings.kube_proxy_configuration.node_check import NodeCheck
from settings.kube_proxy_configuration.values import SECOND
from settings.kube_proxy_configuration.vocabularies import LocalMode, LogFormat, Mode


def check_rules(check: NodeCheck) -> None:
    """Report everything that is wrong, or doubtful, with the configuration itself."""
    for rule in (_sync_periods, _no_delay, _detect_local, _logging, _strict_arp, _port_range):
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
            must = "is read as not given, hence 1s, although upstream documents it as no delay (for that: 1ns)"
            check.warn(name, "minSyncPeriod", detail=must)


def _detect_local(check: NodeCheck) -> None:
    mode, given = check.configuration.detect_local_mode, check.configuration.detect_local
    for needing, name, value, example in (
        (LocalMode.BRIDGE_INTERFACE, "bridgeInterface", given.bridge_interface, "cni0"),
        (LocalMode.INTERFACE_NAME_PREFIX, "interfaceNamePrefix", given.interface_name_prefix, "veth"),
    ):
        if mode == needing and value is None:
            at = (*check.origin("detectLocalMode")[:-1], "detectLocal", name)
            check.problems.required(at, f"must be given with detectLocalMode {mode} (e.g. {example})")


def _logging(check: NodeCheck) -> None:
    logging = check.configuration.logging
    if logging.vmodule and logging.format != LogFormat.TEXT:
        check.forbidden("logging", "vmodule", detail="works with format text only: remove it")
    for name, options in {"text": logging.options.text, "json": logging.options.json_}.items():
        if options.split_stream:
            # logs/api/v1/options.go addFlags sets it back to the flag's default after the file was read.
            detail = f"is lost on kube-proxy, which takes --log-{name}-split-stream only: remove it"
            check.forbidden("logging", "options", name, "splitStream", detail=detail)
    if logging.verbosity:
        check.warn("logging", "verbosity", detail="has no effect, the flag --v wins over it: write service.verbosity")


def _strict_arp(check: NodeCheck) -> None:
    ipvs, mode = check.configuration.ipvs, check.configuration.mode
    if mode == Mode.IPVS and "strict_arp" not in ipvs.model_fields_set:
        check.warn(
            "ipvs",
            "strictARP",
            detail="is not given, hence false: must be true where MetalLB or kube-vip answers ARP for addresses of "
            "Services, otherwise every node answers too; write true, or false where none does",
        )
    elif mode != Mode.IPVS and ipvs.strict_arp and check.origin("ipvs", "strictARP")[:-2] == check.origin("mode")[:-1]:
        # Beside a mode of the fleet's own the fleet's value may be meant for other nodes.
        check.warn(
            "ipvs", "strictARP", detail=f"has no effect in mode {mode}, which gives no interface these addresses"
        )


def _port_range(check: NodeCheck) -> None:
    if check.configuration.port_range:
        check.warn("portRange", detail="has no effect since 1.26: remove it")


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND:g}s"
