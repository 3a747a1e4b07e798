"""What every part of the campaign needs: the lab, a seeded chance, changes to roll out, and a line for each round."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from development.lab import stack
from tests.lab import generations
from tests.lab.cluster import UP, Cluster, binary

VERSIONS = ("1.36.2", "1.35.1")
MODES = ("ipvs", "nftables", "iptables")


@dataclass
class Round:
    """One round's name, what there is to say of it, and what was not as it must be."""

    title: str
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """A campaign under way."""

    cluster: Cluster
    chance: random.Random
    rounds: list[Round] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def round(self, title: str) -> Iterator[Round]:
        """Runs the body as a round: a fault that it finds is told and counted, and the campaign goes on."""
        began = time.monotonic()
        this = Round(title)
        self.rounds.append(this)
        try:
            yield this
        except Exception as error:
            this.problems.append(f"{type(error).__name__}: {error}")
        result = "FAILED" if this.problems else "ok"
        seconds = time.monotonic() - began
        print(f"{time.strftime('%H:%M:%S')} {len(self.rounds):3} {result:6} {title} ({seconds:.0f} s)", flush=True)
        for line in this.notes + [f"PROBLEM {problem}" for problem in this.problems]:
            print(f"             {line}", flush=True)

    def count(self, figure: str, value: float) -> None:
        """Adds a value to a figure of the summary."""
        self.figures.setdefault(figure, []).append(value)

    def pulumi(self, *arguments: str) -> None:
        """Runs Pulumi. Raises AssertionError with its diagnostics when it fails."""
        done = self.cluster.pulumi(*arguments)
        said = "\n".join(stack.diagnostics(done.text.splitlines()))
        assert done.status == 0, f"pulumi {' '.join(arguments)} must succeed: {said}"

    def converge(self) -> None:
        """One up, as an operator runs it after a fault, brings every node to what the stack says; a second changes nothing.

        Raises AssertionError where that is not so.
        """
        self.pulumi(*UP)
        reports = self.cluster.outputs()["nodes"]
        for node in self.cluster.nodes:
            found = generations.assert_serves(node, 60)
            assert found == reports[node.name]["generation"], f"{node.name}: generation {found} is live"
            assert not generations.is_activating(node), f"{node.name}: must not be marked as cut off any more"
        done = self.cluster.up()
        said = stack.block(done.text.splitlines(), "Resources:")
        assert done.status == 0, done.text
        assert len(said) == 1, f"a second up must change nothing: {said}"
        assert said[0].endswith(" unchanged"), f"a second up must change nothing: {said}"

    def change(self, *kinds: str) -> str:
        """Changes the stack's configuration in one way, chosen among the kinds, and says which."""
        kind = self.chance.choice(kinds)
        value = getattr(self, f"_change_{kind}")()
        return f"{kind} {value}"

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the stack's configuration."""
        self.cluster.configure(change)

    def _change_oomScoreAdj(self) -> int:  # noqa: N802 — the field's name
        value = self.chance.randint(-998, -1)
        self.configure(lambda values: values["configuration"].update(oomScoreAdj=value))
        return value

    def _change_version(self) -> str:
        before = self.cluster.configured()["binary"]["version"]
        value = next(version for version in VERSIONS if version != before)
        self.configure(lambda values: values.update(binary=binary(value)))
        return value

    def _change_mode(self) -> str:
        before = self.cluster.configured()["configuration"]["mode"]
        value = self.chance.choice([mode for mode in MODES if mode != before])
        self.configure(lambda values: values["configuration"].update(mode=value))
        return value

    def _change_validityHours(self) -> int:  # noqa: N802 — the field's name
        value = self.chance.randint(2000, 8000)
        self.configure(lambda values: values.update(clientCertificate={"validityHours": value}))
        return value
