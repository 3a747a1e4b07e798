"""The base of both kinds of certificates: their common inputs, and when they are due for renewal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from development.pulumi_stand_ins.plugin.property_values import Properties
from development.pulumi_stand_ins.plugin.resource import CheckFailure
from development.pulumi_stand_ins.tls import validation
from development.pulumi_stand_ins.tls.planned_resource import PlannedResource
from development.pulumi_stand_ins.tls.usages import USAGES

COMMON_INPUTS = (
    "allowedUses", "validityPeriodHours", "earlyRenewalHours", "isCaCertificate", "maxPathLength", "setSubjectKeyId",
)  # fmt: skip
COMMON_DEFAULTS = {"earlyRenewalHours": 0, "isCaCertificate": False, "setSubjectKeyId": False}


class RenewedCertificate(PlannedResource):
    """Replaced by the first run within `earlyRenewalHours` of its end, by the clock of the operator's machine.

    A refresh doesn't issue it again; it only sets `readyForRenewal`.
    """

    updatable = ("earlyRenewalHours",)

    def check(self, name: str, inputs: Properties) -> tuple[Properties, list[CheckFailure]]:
        """Check that uses are known and hours are not negative."""
        inputs, failures = super().check(name, inputs)
        uses = inputs.get("allowedUses")
        for index, use in enumerate(uses if isinstance(uses, list) else []):
            failures += validation.one_of(name, f"allowedUses[{index}]", use, USAGES)
        for hours in ("validityPeriodHours", "earlyRenewalHours"):
            failures += validation.at_least(name, hours, inputs.get(hours), 0)
        failures += validation.at_least(name, "maxPathLength", inputs.get("maxPathLength"), -1)
        return inputs, failures

    def planned(self, inputs: Properties) -> Properties:
        """Plan `readyForRenewal`, too: true if the certificate is due as soon as it is issued."""
        planned = super().planned(inputs)
        match planned.get("validityPeriodHours"), planned.get("earlyRenewalHours"):
            case int() | float() as validity, int() | float() as early:
                return planned | {"readyForRenewal": validity == 0 or early >= validity}
        return planned | {"readyForRenewal": False}

    def due(self, state: Properties, inputs: Properties) -> tuple[str, ...]:
        """Return `readyForRenewal` if the certificate is due by the new inputs."""
        return ("readyForRenewal",) if _is_due(state | self.planned(inputs)) else ()

    async def read(self, state: Properties) -> Properties:
        """Return the state, with `readyForRenewal` if the certificate is due."""
        return state | ({"readyForRenewal": True} if _is_due(state) else {})


def _is_due(values: Properties) -> bool:
    end, early = values.get("validityEndTime"), values.get("earlyRenewalHours")
    if not isinstance(end, str) or not isinstance(early, int | float):
        return False
    return datetime.now(UTC) >= datetime.fromisoformat(end) - timedelta(hours=early)
