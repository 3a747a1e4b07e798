"""A preview shows a change until it is live: the real engine and components, real SSH, stages that a test lets fail."""

import re

from tests.engine.conftest import Fleet


def test_a_change_is_shown_until_it_is_live(fleet: Fleet) -> None:
    fleet.set_mode("ipvs")
    fleet.up()

    fleet.set_mode("nftables")
    fleet.failing_at("stage")
    assert re.search(r'~ mode *: "ipvs" => "nftables"', fleet.pulumi("preview", "--diff"))
    # The engine goes on with whatever doesn't depend on the failed activation.
    fleet.failing_at("activate", "--continue-on-error")
    assert re.search(r'~ mode *: "ipvs" => "nftables"', fleet.pulumi("preview", "--diff"))

    fleet.up()
    fleet.pulumi("preview", "--expect-no-changes")
