"""The operator's side fails at random moments of a rollout, under a stream of requests: not one of them fails."""

from collections.abc import Callable

from tests.lab import generations, probe
from tests.lab.cluster import UP
from tests.lab.running import Running, cut_connections
from tests.soak.campaign import Campaign, Round

MOMENTS = (("-preflight ", 20), ("-activate ", 12), ("-activate ", 12))
"""Until when after which line; about as long as a rollout then takes on emulated nodes."""


def interruptions(campaign: Campaign, rounds: int) -> None:
    """Interrupts so many rollouts, in each of the ways in turn."""
    ways = (ssh_cut, interrupted, interrupted_twice, killed, frozen)
    for number in range(rounds):
        way = ways[number % len(ways)]
        with campaign.round(way.__name__.replace("_", " ")) as this:
            with probe.probed(campaign.cluster.nodes) as answers:
                this.notes.append(campaign.change("oomScoreAdj", "version", "validityHours"))
                _interrupt(campaign, this, way)
            for name, each in answers.items():
                campaign.count("requests during interrupted rollouts", len(each.each))
                campaign.count("requests failed during interrupted rollouts", each.failed)
                if each.failed:
                    this.problems.append(f"{name}: {each}")


def _interrupt(campaign: Campaign, this: Round, way: Callable[[Campaign, Running], None]) -> None:
    running = campaign.cluster.begin(*UP)
    line, span = campaign.chance.choice(MOMENTS)
    delay = campaign.chance.uniform(0, span)
    reached = running.says(line)
    ended = running.ends(delay)
    this.notes.append(
        f"{delay:.1f} s after '{line.strip()}'{'' if reached else ', which never came'}; ended before: {ended is not None}"
    )
    way(campaign, running)
    if campaign.chance.random() < 0.5:
        this.notes.append("the next up at once, beside what may still go on there")
    else:
        for node in campaign.cluster.nodes:
            generations.await_quiet(node)
            generations.assert_serves(node, 60)
    campaign.converge()
    when = "interrupted" if ended is None else "at their end when interrupted"
    campaign.count(f"rollouts {when} and converged: {way.__name__}", 1)


def ssh_cut(campaign: Campaign, running: Running) -> None:
    """Every SSH session on the nodes ends; Pulumi fails by itself."""
    for node in campaign.cluster.nodes:
        cut_connections(node)
    _must_end(running)


def interrupted(_: Campaign, running: Running) -> None:
    """Ctrl-C once: what runs is brought to its end."""
    running.interrupt()
    _must_end(running)


def interrupted_twice(_: Campaign, running: Running) -> None:
    """Ctrl-C twice: Pulumi ends at once, and what runs on the nodes goes on alone."""
    running.interrupt()
    if running.ends(2) is None:
        running.interrupt()
    _must_end(running)


def killed(campaign: Campaign, running: Running) -> None:
    """The operator's machine loses its power."""
    running.kill()
    campaign.pulumi("cancel", "--yes")


def frozen(campaign: Campaign, running: Running) -> None:
    """The operator's machine loses its network: the nodes talk to nobody, until it is switched off."""
    running.freeze()
    for node in campaign.cluster.nodes:
        generations.await_quiet(node)
        generations.assert_serves(node)
    killed(campaign, running)


def _must_end(running: Running) -> None:
    if running.ends(300) is None:
        running.kill()
        raise AssertionError("pulumi up must end by itself")
