"""Take-overs of nodes that guides and other projects have set up, under streams of requests."""

from tests.lab import layouts
from tests.lab.takeovers import take_over
from tests.soak.campaign import Campaign


def takeovers(campaign: Campaign) -> None:
    """Each layout, with one restart and without a failed request. Afterwards the fleet is deployed as before."""
    with campaign.round("destroy"):
        campaign.pulumi("destroy", "--yes", "--skip-preview")
    node = campaign.cluster.nodes[0]
    for layout in layouts.LAYOUTS:
        with campaign.round(f"take over {layout.title}") as this:
            outcome = take_over(campaign.cluster, node, layout)
            this.notes.append(f"restarts {outcome.restarts}; {outcome.answers}; at the removal {outcome.at_removal}")
            campaign.count("restarts of a take-over", outcome.restarts)
            campaign.count("requests during a take-over", len(outcome.answers.each))
            campaign.count("requests failed during a take-over", outcome.answers.failed)
            campaign.count("requests failed during a removal", outcome.at_removal.failed)
            if outcome.restarts != 1:
                this.problems.append(f"must restart once, not {outcome.restarts} times")
            if outcome.answers.failed:
                this.problems.append(str(outcome.answers))
    with campaign.round("deploy again"):
        campaign.converge()
