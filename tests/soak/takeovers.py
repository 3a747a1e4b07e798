"""Take-overs of nodes that guides and other projects have set up, under streams of requests."""

from tests.lab import layouts, playbook, takeovers
from tests.lab.takeovers import Outcome
from tests.soak.campaign import Campaign, Round


def take_over(campaign: Campaign) -> None:
    """Each layout, and a fleet that the guide's playbook has deployed: one restart, no failed request.

    Afterwards the fleet is deployed as before.
    """
    with campaign.round("destroy"):
        campaign.pulumi("destroy", "--yes", "--skip-preview")
    node = campaign.cluster.nodes[0]
    for layout in layouts.LAYOUTS:
        with campaign.round(f"take over {layout.title}") as this:
            _count(campaign, this, node.name, takeovers.take_over(campaign.cluster, node, layout))
    with campaign.round("take over what the guide's playbook has deployed") as this:
        for name, outcome in playbook.take_over(campaign.cluster).items():
            _count(campaign, this, name, outcome)
    with campaign.round("roll back a take-over, and a change after it, in directories of the stack's choice"):
        takeovers.roll_back(campaign.cluster, node)
    with campaign.round("deploy again"):
        campaign.converge()


def _count(campaign: Campaign, this: Round, node: str, outcome: Outcome) -> None:
    this.notes.append(f"{node}: restarts {outcome.restarts}; {outcome.answers}; at the removal {outcome.at_removal}")
    campaign.count("restarts of a take-over", outcome.restarts)
    campaign.count("requests during a take-over", len(outcome.answers.each))
    campaign.count("requests failed during a take-over", outcome.answers.failed)
    campaign.count("requests failed during a removal", outcome.at_removal.failed)
    if outcome.restarts != 1:
        this.problems.append(f"{node}: must restart once, not {outcome.restarts} times")
    if outcome.answers.failed:
        this.problems.append(f"{node}: {outcome.answers}")
