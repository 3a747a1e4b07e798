"""One measurement: a contender does its steps on a new fleet. Prints each step's row when it ends.

Runs as the first process of a world of its own: `python -m development.bench.cell KIND NODES CONTENDER ROUND COMMIT`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from development import commands
from development.bench import measure
from development.bench.containers import Containers
from development.bench.contenders import CONTENDERS, Job
from development.bench.fake_nodes import FakeNodes
from development.bench.preparation import LAB
from development.bench.row import CONTAINERS, Row
from development.lab import stack

_STATE = LAB.backend / f".pulumi/stacks/kube-proxy/{stack.NAME}.json"
_CHANGED = "31s"


class InProcess:
    """Nodes that only answer, with what Containers has to ask them."""

    def __init__(self, count: int) -> None:
        commands.run(["ip", "link", "set", "lo", "up"])
        commands.run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
        # It ends with the world.
        self._nodes = FakeNodes(Path("/run"), measure.joining(measure.NODES)).__enter__()
        self.job = Job("https://10.88.255.1:6443", self._nodes.inventory(count), self._nodes.private_key)

    def logins(self) -> int:
        """Ask the server."""
        return self._nodes.counts().logins

    def kube_proxies(self) -> Mapping[str, str]:
        """Return nothing: there are none."""
        return {}


def rows(kind: str, nodes: int, name: str, number: int, commit: str) -> Iterator[Row]:
    """Start a fleet and yield a row for each step of a contender."""
    contender = CONTENDERS[name]
    fleet = Containers(nodes) if kind == CONTAINERS else InProcess(nodes)
    contender.prepare()
    steps = contender.steps if kind == CONTAINERS else ("preview", *contender.steps)
    for step in steps:
        contender.configure(replace(fleet.job, sync_period=_CHANGED) if step == "changed" else fleet.job)
        measure.await_quiet()
        logins, before, began = fleet.logins(), fleet.kube_proxies(), datetime.now(UTC)
        log = LAB.log / f"{name}-{step}.log"
        cost = measure.run(contender.command(step), contender.directory, contender.environment(), log)
        after = fleet.kube_proxies()
        yield Row(
            kind=kind,
            nodes=nodes,
            contender=name,
            round=number,
            step=step,
            logins=fleet.logins() - logins,
            restarts=sum(process != before.get(node) for node, process in after.items()),
            state_kib=round(_STATE.stat().st_size / 1024, 1) if contender.has_state else None,
            date=began.isoformat(timespec="seconds"),
            commit=commit,
            **asdict(cost),
        )


def main() -> None:
    """Print the rows as JSON, one a line."""
    kind, nodes, name, number, commit = sys.argv[1:]
    for row in rows(kind, int(nodes), name, int(number), commit):
        sys.stdout.write(json.dumps(asdict(row)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
