"""Both nodes lose their power at random moments of a rollout, each at its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lab.node import Node
from tests.lab import generations
from tests.lab.cluster import UP
from tests.lab.running import Running
from tests.soak.campaign import Campaign, Round

SPAN_SECONDS = 30.0
"""How long an activation takes on emulated nodes, about."""


def power_cuts(campaign: Campaign, cuts: int) -> None:
    """Cuts the nodes' power so many times in all."""
    while cuts > 0:
        with campaign.round("power cut") as this:
            kind = campaign.chance.choice(("oomScoreAdj", "oomScoreAdj", "version", "version", "mode", "validityHours"))
            this.notes.append(campaign.change(kind))
            running = campaign.cluster.begin(*UP)
            moments = [_moment(campaign, node, kind) for node in campaign.cluster.nodes]
            with ThreadPoolExecutor() as pool:
                cut = [
                    pool.submit(_cut, running, node, *moment)
                    for node, moment in zip(campaign.cluster.nodes, moments, strict=True)
                ]
                this.notes += [each.result() for each in cut]
            _end(campaign, this, running)
            with ThreadPoolExecutor() as pool:
                this.notes += pool.map(partial(_after, campaign), campaign.cluster.nodes)
            began = time.monotonic()
            campaign.converge()
            campaign.count("seconds of the up after a power cut", time.monotonic() - began)
        cuts -= len(campaign.cluster.nodes)


def _moment(campaign: Campaign, node: Node, kind: str) -> tuple[str, float]:
    """Returns a line to wait for and seconds from there: while files are sent, staged, switched, or proven."""
    uniform = campaign.chance.uniform
    moments = [
        (f"{node.name}-stage ", uniform(0, SPAN_SECONDS / 3)),
        (f"{node.name}-activate ", uniform(0, SPAN_SECONDS / 4)),
        (f"{node.name}-activate ", uniform(0, SPAN_SECONDS)),
        (f"{node.name}: activate: restarting", uniform(0, 2)),
    ]
    if kind == "version":
        moments.append((f"{node.name}-binary ", uniform(0, SPAN_SECONDS)))
    return campaign.chance.choice(moments)


def _cut(running: Running, node: Node, line: str, delay: float) -> str:
    reached = running.says(line)
    if reached:
        running.ends(delay)
    node.kill()
    return f"{node.name}: cut {delay:.1f} s after '{line.strip()}'{'' if reached else ', which never came'}"


def _end(campaign: Campaign, this: Round, running: Running) -> None:
    """A rollout whose nodes are gone ends by itself, or its operator ends it."""
    began = time.monotonic()
    status = running.ends(240)
    this.notes.append(
        f"pulumi up ended by itself: {status is not None}, {time.monotonic() - began:.0f} s after the cut"
    )
    if status is None:
        this.problems.append("pulumi up must end when its nodes are gone")
        running.kill()
        campaign.pulumi("cancel", "--yes")


def _after(campaign: Campaign, node: Node) -> str:
    """The node comes up, serves by itself, and has one generation's files."""
    node.start()
    generation = generations.assert_serves(node)
    which = "old" if generation == generations.last_served(node) else "new"
    marked = generations.is_activating(node)
    campaign.count("power cuts survived", 1)
    campaign.count(f"power cuts {'during' if marked else 'outside'} a switch", 1)
    return f"{node.name}: serves the {which} generation, {'cut off during its switch' if marked else 'not in a switch'}"
