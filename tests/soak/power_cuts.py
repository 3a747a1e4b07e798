"""Both nodes lose their power during a rollout, each at its own random moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from development.lab.node import Node
from tests.lab import generations
from tests.lab.cluster import UP
from tests.lab.running import Running
from tests.soak.campaign import Campaign, Round

MOMENTS = (("-stage ", 10), ("-activate ", 30), (": activate: restarting", 2), (": activate: restarting", 15))
"""A line of output and the seconds after it in which to cut: while files are staged, switched, or proven."""

OF_A_BINARY = (": uploading ", 30)


def power_cuts(campaign: Campaign, cuts: int) -> None:
    """Cuts the power of nodes this many times in total."""
    while cuts > 0:
        with campaign.round("power cut") as this:
            kind = campaign.rng.choice(("oomScoreAdj", "oomScoreAdj", "version", "version", "mode", "validityHours"))
            this.notes.append(campaign.change(kind))
            before = [generations.last_proven(node) for node in campaign.cluster.nodes]
            running = campaign.cluster.start_pulumi(*UP)
            line, span = campaign.rng.choice((*MOMENTS, OF_A_BINARY) if kind == "version" else MOMENTS)
            delays = [campaign.rng.uniform(0, span) for _ in campaign.cluster.nodes]
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
    reached = running.await_line(f"{node.name}{line}")
    if reached:
        running.await_end(delay)
    node.kill()
    return f"{node.name}: cut {delay:.1f} s after '{node.name}{line}'{'' if reached else ', which never came'}"


def _end(campaign: Campaign, this: Round, running: Running) -> None:
    """Waits for the end of a rollout whose nodes are gone, and kills it if it hangs."""
    began = time.monotonic()
    status = running.await_end(240)
    this.notes.append(
        f"pulumi up ended by itself: {status is not None}, {time.monotonic() - began:.0f} s after the cut"
    )
    if status is None:
        this.problems.append("pulumi up must end when its nodes are gone")
        running.kill()
        campaign.pulumi("cancel", "--yes")


def _after(campaign: Campaign, node: Node, before: str) -> str:
    """Boots a node: it must serve without help and have the files of one generation."""
    node.start()
    which = "old" if before in generations.assert_serves(node) else "new"
    marked = generations.is_activating(node)
    campaign.count("power cuts survived", 1)
    campaign.count(f"power cuts {'during' if marked else 'outside'} a switch", 1)
    return f"{node.name}: serves the {which} generation, {'cut during a switch' if marked else 'cut outside a switch'}"
