"""``python -m tests.soak``: runs the campaign, prints a line for each round and a summary; exits with 1 if a round failed."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.lab.cluster import own_lab
from tests.soak.campaign import Campaign
from tests.soak.interruptions import interruptions
from tests.soak.power_cuts import handover_cuts, power_cuts
from tests.soak.rollouts import rollouts
from tests.soak.systems import systems
from tests.soak.takeovers import take_over

PARTS = ("systems", "rollouts", "interruptions", "cuts", "handovers", "takeovers")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--cuts", type=int, default=30, help="number of power cuts (default: 30)")
    parser.add_argument("--interruptions", type=int, default=10, help="number of interrupted rollouts (default: 10)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="seed of all random choices (default: the clock)"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="parts of the campaign to run (default: all)"
    )
    return parser.parse_args()


def _summary(campaign: Campaign) -> Table:
    table = Table("figure", "count", "sum", "least", "most", title="soak")
    for figure, values in campaign.figures.items():
        table.add_row(figure, str(len(values)), *(f"{value:.1f}" for value in (sum(values), min(values), max(values))))
    return table


def _run(campaign: Campaign, arguments: argparse.Namespace) -> None:
    # All nodes at the same time. An emulated node on a busy machine is slow; that must not count as a failure.
    rollout = {"canary": 0, "maxUnavailable": "100%", "minReadySeconds": 1, "healthTimeoutSeconds": 600}
    campaign.configure(lambda values: values.update(rollout=rollout))
    with campaign.round("first up"):
        campaign.pulumi("stack", "select", "--create", "dev")
        campaign.converge()
    for part in arguments.parts:
        match part:
            case "rollouts":
                rollouts(campaign)
            case "interruptions":
                interruptions(campaign, arguments.interruptions)
            case "takeovers":
                take_over(campaign)
            case "cuts":
                power_cuts(campaign, arguments.cuts)
            case "handovers":
                handover_cuts(campaign)


def _campaign(arguments: argparse.Namespace) -> bool:
    """Runs all parts that share a lab, and returns whether no round failed."""
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"seed {arguments.seed}; the output of Pulumi will be in {directory}", flush=True)
    with own_lab(directory / "project") as cluster:
        campaign = Campaign(cluster, random.Random(arguments.seed))
        try:
            _run(campaign, arguments)
        finally:
            shutil.copy(cluster.lab.log / "pulumi.log", directory)
            Console(soft_wrap=True).print(_summary(campaign))
            failed = [each for each in campaign.rounds if each.problems]
            print(f"{len(campaign.rounds)} rounds, {len(failed)} failed", flush=True)
    return not failed


def main() -> int:
    """Runs the campaign and returns the exit status."""
    arguments = _arguments()
    # A shell starts background commands with SIGINT ignored, and Pulumi would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    passed = "systems" not in arguments.parts or systems()
    if set(arguments.parts) != {"systems"}:
        passed = _campaign(arguments) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
