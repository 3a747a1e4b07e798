"""Rollouts whose operator disappears at random moments, under a stream of requests of which none may fail."""

from collections.abc import Callable

from tests.lab import generations, probe
from tests.lab.cluster import UP
from tests.lab.running import Running, cut_connections
from tests.soak.campaign import Campaign, Round

MOMENTS = (("-stage ", 20), ("-activate ", 12), ("-activate ", 12))
"""A line of output and the seconds after it in which to interrupt: about the rest of a rollout on emulated nodes."""


def interruptions(campaign: Campaign, rounds: int) -> None:
    """Interrupts this many rollouts, in each way in turn."""
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
    running = campaign.cluster.start_pulumi(*UP)
    line, span = campaign.rng.choice(MOMENTS)
    delay = campaign.rng.uniform(0, span)
    reached = running.await_line(line)
    ended = running.await_end(delay)
    this.notes.append(
        f"{delay:.1f} s after '{line.strip()}'{'' if reached else ', which never came'}; ended before: {ended is not None}"
    )
    way(campaign, running)
    if campaign.rng.random() < 0.5:
        this.notes.append("the next up at once, while stages may still run on the nodes")
    else:
        for node in campaign.cluster.nodes:
            generations.await_unlocked(node)
            generations.assert_serves(node, 60)
    campaign.converge()
    when = "interrupted" if ended is None else "interrupted after their end"
    campaign.count(f"rollouts {when} that converged: {way.__name__}", 1)


def ssh_cut(campaign: Campaign, running: Running) -> None:
    """Closes all SSH connections on the nodes; Pulumi fails."""
    for node in campaign.cluster.nodes:
        cut_connections(node)
    _must_end(running)


def interrupted(_: Campaign, running: Running) -> None:
    """Ctrl-C once: Pulumi waits for what runs."""
    running.interrupt()
    _must_end(running)


def interrupted_twice(_: Campaign, running: Running) -> None:
    """Ctrl-C twice: Pulumi ends at once, and stages on the nodes go on."""
    running.interrupt()
    if running.await_end(2) is None:
        running.interrupt()
    _must_end(running)


def killed(campaign: Campaign, running: Running) -> None:
    """The operator's machine loses its power."""
    running.kill()
    campaign.pulumi("cancel", "--yes")


def frozen(campaign: Campaign, running: Running) -> None:
    """The operator's machine loses its network, and is switched off later."""
    running.freeze()
    for node in campaign.cluster.nodes:
        generations.await_unlocked(node)
        generations.assert_serves(node)
    killed(campaign, running)


def _must_end(running: Running) -> None:
    if running.await_end(300) is None:
        running.kill()
        raise AssertionError("pulumi up must end by itself")
