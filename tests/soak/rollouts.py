"""Undisturbed rollouts under a stream of requests: how many requests fail, for how long, and how often kube-proxy restarts."""

import time

from tests.lab import generations, pod, probe
from tests.lab.cluster import UP
from tests.soak.campaign import Campaign, Round

UNINTERRUPTED_MODES = ("ipvs", "nftables")
SWITCHES = 2 * ("iptables", "nftables", "ipvs", "nftables", "iptables", "ipvs")
"""From each mode to each other, starting at ipvs."""


def rollouts(campaign: Campaign) -> None:
    """Each kind of change in each mode and each switch of mode to or from nftables, without a failed request."""
    pod.add(campaign.cluster, campaign.cluster.nodes)
    for mode in UNINTERRUPTED_MODES:
        campaign.set_mode(mode)
        with campaign.round(f"to mode {mode}"):
            campaign.converge()
        for kind in ("oomScoreAdj", "validityHours", "version", "version"):
            with campaign.round(f"{kind} in mode {mode}") as this:
                this.notes.append(campaign.change(kind))
                _roll_out(campaign, this, f"{kind} in {mode}", may_fail=False)
    campaign.set_mode("ipvs")
    with campaign.round("to mode ipvs"):
        campaign.converge()
    before = "ipvs"
    for mode in SWITCHES:
        with campaign.round(f"mode {before} to {mode}") as this:
            campaign.set_mode(mode)
            _roll_out(campaign, this, f"{before} to {mode}", may_fail="nftables" not in (before, mode))
        before = mode
    pod.remove(campaign.cluster, campaign.cluster.nodes)


def _roll_out(campaign: Campaign, this: Round, kind: str, *, may_fail: bool) -> None:
    nodes = campaign.cluster.nodes
    before = {node.name: generations.starts(node) for node in nodes}
    livez = {node.name: probe.Stream(node, f"http://{node.worker.address}:10256/livez", number=15) for node in nodes}
    for probing in livez.values():
        probing.await_answer()
    with probe.probed(nodes, pods=True) as answers:
        began = time.monotonic()
        campaign.pulumi(*UP)
        campaign.count(f"seconds of pulumi up, {kind}", time.monotonic() - began)
        campaign.converge()
    for node in nodes:
        health = probe.parse({"livez": livez[node.name].stop()})
        restarts = generations.starts(node) - before[node.name]
        each = answers[node.name]
        campaign.count(f"requests failed, {kind}", each.failed)
        campaign.count(f"longest gap in seconds, {kind}", each.longest_gap)
        for stream, its in each.streams.items():
            origin = stream.split(":")[0] if stream != probe.SERVICE else "through the node"
            campaign.count(f"requests {origin}, {kind}", len(its))
            campaign.count(f"requests {origin} failed, {kind}", sum(not answer.ok for answer in its))
        campaign.count("restarts per change", restarts)
        campaign.count("seconds from the last answer of livez before a restart to the next", health.longest_gap)
        this.notes.append(
            f"{node.name}: {each}; longest gap {each.longest_gap:.1f} s; without livez {health.longest_gap:.1f} s; restarts {restarts}"
        )
        if restarts != 1:
            this.problems.append(f"{node.name}: must restart once, not {restarts} times")
        if each.failed and not may_fail:
            this.problems.append(f"{node.name}: {each}")
