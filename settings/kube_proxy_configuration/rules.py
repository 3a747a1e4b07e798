"""What one whole configuration must be in every version: upstream's validation, and what that lets through.

Upstream's is k8s.io/kubernetes pkg/proxy/apis/config/validation/validation.go and k8s.io/component-base
logs/api/v1/options.go; the tests ask a kube-proxy of each version whether it agrees.
"""

import re

from settings.kube_proxy_configuration.check import Check, find
from settings.kube_proxy_configuration.values import SECOND
from settings.kube_proxy_configuration.vocabularies import LocalMode, LogFormat, Mode


def check(it: Check) -> None:
    """Report everything that is wrong, or doubtful, with the configuration itself."""
    for rule in (_sync_periods, _no_delay, _detect_local, _logging, _strict_arp, _port_range):
        rule(it)


def _sync_periods(it: Check) -> None:
    for name in Mode:
        section = getattr(it.configuration, name)
        longest, shortest = section.sync_period, section.min_sync_period
        if shortest > longest and "min_sync_period" in section.model_fields_set:
            it.invalid(name, "minSyncPeriod", detail=f"must be at most {name}.syncPeriod, {_seconds(longest)}")
        elif shortest > longest:
            it.invalid(name, "syncPeriod", detail=f"must be at least {name}.minSyncPeriod, {_seconds(shortest)}")


def _no_delay(it: Check) -> None:
    for name in (Mode.IPTABLES, Mode.NFTABLES):
        if re.fullmatch(r"[-+]?[0.a-zµμ]+", str(find(it.raw, (name, "minSyncPeriod"), ""))):
            must = "is read as not given, hence 1s, although upstream documents it as no delay (for that: 1ns)"
            it.warn(name, "minSyncPeriod", detail=must)


def _detect_local(it: Check) -> None:
    mode, given = it.configuration.detect_local_mode, it.configuration.detect_local
    for needing, name, value, example in (
        (LocalMode.BRIDGE_INTERFACE, "bridgeInterface", given.bridge_interface, "cni0"),
        (LocalMode.INTERFACE_NAME_PREFIX, "interfaceNamePrefix", given.interface_name_prefix, "veth"),
    ):
        if mode == needing and value is None:
            at = (*it.origin(("detectLocalMode",))[:-1], "detectLocal", name)
            it.problems.required(at, f"must be given with detectLocalMode {mode} (e.g. {example})")


def _logging(it: Check) -> None:
    logging = it.configuration.logging
    for index, item in enumerate(logging.vmodule):
        if item.file_pattern is None:
            at = it.origin(("logging", "vmodule", index))
            it.problems.required((*at, "filePattern"), "must be a source file's name without .go (e.g. proxier)")
    if logging.vmodule and logging.format != LogFormat.TEXT:
        it.problems.forbidden(it.origin(("logging", "vmodule")), "works with format text only: remove it")
    for name, options in {"text": logging.options.text, "json": logging.options.json_}.items():
        if options.split_stream:
            # logs/api/v1/options.go addFlags sets it back to the flag's default after the file was read.
            at = it.origin(("logging", "options", name, "splitStream"))
            it.problems.forbidden(at, f"is lost on kube-proxy, which takes --log-{name}-split-stream only: remove it")
    if logging.verbosity:
        it.warn("logging", "verbosity", detail="has no effect, the flag --v wins over it: write service.verbosity")


def _strict_arp(it: Check) -> None:
    ipvs, mode = it.configuration.ipvs, it.configuration.mode
    if mode == Mode.IPVS and "strict_arp" not in ipvs.model_fields_set:
        it.warn(
            "ipvs",
            "strictARP",
            detail="is not given, hence false: must be true where MetalLB or kube-vip answers ARP for addresses of "
            "Services, otherwise every node answers too; write true, or false where none does",
        )
    elif mode != Mode.IPVS and ipvs.strict_arp and it.origin(("ipvs", "strictARP"))[:-2] == it.origin(("mode",))[:-1]:
        # Beside a mode of the fleet's own the fleet's value may be meant for other nodes.
        it.warn("ipvs", "strictARP", detail=f"has no effect in mode {mode}, which gives no interface these addresses")


def _port_range(it: Check) -> None:
    if it.configuration.port_range:
        it.warn("portRange", detail="has no effect since 1.26: remove it")


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / SECOND:g}s"
