"""The feature gates of each supported minor version, and their rules. kube-proxy doesn't start with an unknown gate.

Each file in gates/ is the output of development/toolchain/feature_gates.go for one minor version.
The rules are those of k8s.io/component-base featuregate/feature_gate.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from settings.kube_proxy_configuration.node_check import NodeCheck
from settings.suggestions import nearest
from settings.versions import SUPPORTED_MINORS

_DIRECTORY: Final = Path(__file__).parent / "gates"
_ALL: Final = {"AllAlpha": "alpha", "AllBeta": "beta"}


@dataclass(frozen=True)
class Gate:
    """A gate in one version: its stage (alpha, beta, ga, deprecated), default, and the gates that it needs."""

    stage: str
    default: bool
    locked: bool
    needs: tuple[str, ...]


@cache
def known(minor: int) -> Mapping[str, Gate]:
    """Return the gates that kube-proxy 1.`minor` knows, by name."""
    gates: dict[str, Gate] = {}
    for line in (_DIRECTORY / f"1.{minor}").read_text().splitlines():
        name, stage, default, *rest = line.split()
        needs = tuple(other for other in rest if other != "locked")
        gates[name] = Gate(stage, default == "on", "locked" in rest, needs)
    return gates


def enabled(minor: int, gates: Mapping[str, bool]) -> Mapping[str, bool]:
    """Return whether each gate is on: as given, through AllAlpha or AllBeta, or by default."""
    return _enabled(minor, frozenset(gates.items()))


@lru_cache
def _enabled(minor: int, gates: frozenset[tuple[str, bool]]) -> Mapping[str, bool]:
    given = dict(gates)
    stages = {stage: given[name] for name, stage in _ALL.items() if name in given}
    return {name: given.get(name, stages.get(gate.stage, gate.default)) for name, gate in known(minor).items()}


def is_enabled(check: NodeCheck, minor: int, name: str, *, unknown: bool = False) -> bool:
    """Return whether a gate is on for a node; `unknown` is the answer if this version has no such gate."""
    return enabled(minor, check.configuration.feature_gates).get(name, unknown)


def unknown_gate(minor: int, name: str) -> str | None:
    """Return why a gate must not be set, or None if this version knows it."""
    if name in known(minor):
        return None
    having = [other for other in SUPPORTED_MINORS if name in known(other)]
    if not having:
        return f"unknown feature gate{nearest(name, tuple(known(minor)))}"
    if having[0] > minor:
        return f"unknown feature gate in 1.{minor}, new in 1.{having[0]}: remove it, or use that kube-proxy"
    return f"feature gate of 1.{having[-1]}, removed in 1.{having[-1] + 1}: remove it"


def unmet(minor: int, given: Mapping[str, bool]) -> Mapping[str, tuple[str, ...]]:
    """Return the gates that are on without gates that they need, and those gates."""
    on = enabled(minor, given)
    needing = {name: gate.needs for name, gate in known(minor).items() if gate.needs and on[name]}
    missing = {name: tuple(other for other in needs if not on[other]) for name, needs in needing.items()}
    return {name: others for name, others in missing.items() if others}


def check_gates(check: NodeCheck, minor: int) -> None:
    """Report gates that are unknown, locked or without the gates that they need; warn about a locked one's default."""
    gates = check.configuration.feature_gates
    for name, value in gates.items():
        if unknown := unknown_gate(minor, name):
            check.forbidden("featureGates", name, detail=unknown)
        elif (gate := known(minor)[name]).locked:
            only = str(gate.default).lower()
            if value != gate.default:
                check.invalid("featureGates", name, detail=f"must be {only}, it is locked in 1.{minor}: remove it")
            else:
                check.warn(
                    "featureGates",
                    name,
                    detail=f"is locked in 1.{minor}, and later versions drop it: remove it",
                )
    for name, missing in unmet(minor, gates).items():
        guilty = next(other for other in (name, *missing, "AllAlpha", "AllBeta") if other in gates)
        must = f"must be consistent: {name} is on and needs {', '.join(missing)}"
        check.invalid("featureGates", guilty, detail=must)
