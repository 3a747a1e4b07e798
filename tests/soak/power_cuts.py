"""Both nodes lose their power during a rollout, each at its own moment: a random one, or one of a change of mode."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from development.lab.node import Node
from tests.lab import generations, pod, rules
from tests.lab.cluster import UP
from tests.lab.running import Running
from tests.soak.campaign import Campaign, Round

MOMENTS = (("-stage ", 10), ("-activate ", 30), (": activate: restarting", 2), (": activate: restarting", 15))
"""A line of output and the seconds after it in which to cut: while files are staged, switched, or proven."""

OF_A_BINARY = (": uploading ", 30)

IN_NAMESPACE = (": activate: kube-proxy writes its nftables rules in a network namespace", 4.0)
LOADED = (": activate: a second nftables table has kube-proxy's rules", 0.0)
DRAINS = (": activate: waiting for open connections through IPVS", 5.0)
RESTARTS = (": activate: restarting kube-proxy", 0.5)
STARTS = (": activate: restarting kube-proxy", 10.0)
SERVES = (": activate: generation ", 0.0)
OF_A_HANDOVER = (
    ("nftables", (IN_NAMESPACE, LOADED)),
    ("ipvs", (LOADED, RESTARTS)),
    ("nftables", (DRAINS, RESTARTS)),
    ("ipvs", (STARTS, SERVES)),
    ("nftables", (STARTS, SERVES)),
)
"""Changes of mode, starting at ipvs, with the moment for each node."""


def power_cuts(campaign: Campaign, cuts: int) -> None:
    """Cuts the power of nodes this many times in total."""
    while cuts > 0:
        with campaign.round("power cut") as this:
            kind = campaign.rng.choice(("oomScoreAdj", "oomScoreAdj", "version", "version", "mode", "validityHours"))
            this.notes.append(campaign.change(kind))
            line, span = campaign.rng.choice((*MOMENTS, OF_A_BINARY) if kind == "version" else MOMENTS)
            moments = [(line, campaign.rng.uniform(0, span)) for _ in campaign.cluster.nodes]
            _cut_during_up(campaign, this, moments)
            began = time.monotonic()
            campaign.converge()
            campaign.count("seconds of the up after a power cut", time.monotonic() - began)
        cuts -= len(campaign.cluster.nodes)


def handover_cuts(campaign: Campaign) -> None:
    """Cuts the power at each moment of a change of mode to and from nftables."""
    pod.add(campaign.cluster, campaign.cluster.nodes)
    before = "ipvs"
    campaign.set_mode(before)
    with campaign.round(f"to mode {before}"):
        campaign.converge()
    for mode, moments in OF_A_HANDOVER:
        campaign.set_mode(mode)
        with campaign.round(f"power cut from mode {before} to {mode}") as this:
            with ExitStack() as connections:
                for node in campaign.cluster.nodes:
                    connections.enter_context(pod.connections(node))
                _cut_during_up(campaign, this, moments)
            for node in campaign.cluster.nodes:
                this.notes.append(
                    f"{node.name}: has the rules of mode {_await_rules(node, before, mode)} after its boot"
                )
                pod.add_to(node)
            campaign.converge()
            for node in campaign.cluster.nodes:
                assert rules.of(node) == rules.OF_MODE[mode], f"{node.name} must have the rules of mode {mode}"
        before = mode
    pod.remove(campaign.cluster, campaign.cluster.nodes)


def _await_rules(node: Node, *modes: str) -> str:
    """Waits until the node has the rules of one of these modes and nothing else, and returns the mode."""
    deadline = time.monotonic() + 120
    while True:
        found = rules.of(node)
        if mode := next((mode for mode in modes if found == rules.OF_MODE[mode]), None):
            return mode
        assert time.monotonic() < deadline, f"{node.name} must have the rules of one mode, has {sorted(found)}"
        time.sleep(1)


def _cut_during_up(campaign: Campaign, this: Round, moments: Sequence[tuple[str, float]]) -> None:
    """Cuts each node's power at its moment of a `pulumi up`, a line of output and the seconds after it, and boots it."""
    nodes = campaign.cluster.nodes
    before = [generations.last_proven(node) for node in nodes]
    running = campaign.cluster.start_pulumi(*UP)
    with ThreadPoolExecutor() as pool:
        this.notes += pool.map(partial(_cut, running), nodes, moments)
    _end(campaign, this, running)
    with ThreadPoolExecutor() as pool:
        this.notes += pool.map(partial(_after, campaign), nodes, before)


def _cut(running: Running, node: Node, moment: tuple[str, float]) -> str:
    line, delay = moment
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
