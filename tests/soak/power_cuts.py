"""Both nodes lose their power at random moments of a rollout, each at its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from development.lab.node import Node
from tests.lab import generations
from tests.lab.cluster import UP
from tests.lab.running import Running
from tests.soak.campaign import Campaign, Round

MOMENTS = (("-stage ", 10), ("-activate ", 30), (": activate: restarting", 2), (": activate: restarting", 15))
"""Until when after which line: while files are staged, switched, or proven; as long as that takes on emulated nodes."""

OF_A_BINARY = ("-binary ", 30)


def power_cuts(campaign: Campaign, cuts: int) -> None:
    """Cuts the nodes' power so many times in all."""
    while cuts > 0:
        with campaign.round("power cut") as this:
            kind = campaign.chance.choice(("oomScoreAdj", "oomScoreAdj", "version", "version", "mode", "validityHours"))
            this.notes.append(campaign.change(kind))
            before = [generations.last_served(node) for node in campaign.cluster.nodes]
            running = campaign.cluster.begin(*UP)
            line, span = campaign.chance.choice((*MOMENTS, OF_A_BINARY) if kind == "version" else MOMENTS)
            delays = [campaign.chance.uniform(0, span) for _ in campaign.cluster.nodes]
            with ThreadPoolExecutor() as pool:
                this.notes += pool.map(partial(_cut, running, line), campaign.cluster.nodes, delays)
            _end(campaign, this, running)
            with ThreadPoolExecutor() as pool:
                this.notes += pool.map(partial(_after, campaign), campaign.cluster.nodes, before)
            began = time.monotonic()
            campaign.converge()
            campaign.count("seconds of the up after a power cut", time.monotonic() - began)
        cuts -= len(campaign.cluster.nodes)


def _cut(running: Running, line: str, node: Node, delay: float) -> str:
    reached = running.says(f"{node.name}{line}")
    if reached:
        running.ends(delay)
    node.kill()
    return f"{node.name}: cut {delay:.1f} s after '{node.name}{line}'{'' if reached else ', which never came'}"


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


def _after(campaign: Campaign, node: Node, before: str) -> str:
    """The node comes up, serves by itself, and has one generation's files."""
    node.start()
    generation = generations.assert_serves(node)
    which = "old" if generation == before else "new"
    marked = generations.is_activating(node)
    campaign.count("power cuts survived", 1)
    campaign.count(f"power cuts {'during' if marked else 'outside'} a switch", 1)
    return f"{node.name}: serves the {which} generation, {'cut off during its switch' if marked else 'not in a switch'}"
