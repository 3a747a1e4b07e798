"""What each part of the campaign uses: the lab, seeded random choices, changes to roll out, and a line for each round."""

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
    """A round's title, what was seen in it, and what was wrong."""

    title: str
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """A running campaign."""

    cluster: Cluster
    rng: random.Random
    rounds: list[Round] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def round(self, title: str) -> Iterator[Round]:
        """Runs the body as a round. A failure is printed and counted; the campaign goes on."""
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
        result = self.cluster.pulumi(*arguments)
        diagnostics = "\n".join(stack.diagnostics(result.output.splitlines()))
        assert result.status == 0, f"pulumi {' '.join(arguments)} must succeed: {diagnostics}"

    def converge(self) -> None:
        """Checks that one `pulumi up` brings every node to its reported generation, and that a second one changes nothing.

        Raises AssertionError otherwise.
        """
        self.pulumi(*UP)
        reports = self.cluster.outputs()["nodes"]
        for node in self.cluster.nodes:
            found = generations.assert_serves(node, 60)
            expected = reports[node.name]["generation"]
            assert expected in found, f"{node.name}: generation {expected} must be live, not {found}"
            assert not generations.is_activating(node), f"{node.name}: must no longer be marked as interrupted"
        result = self.cluster.up()
        changes = stack.block(result.output.splitlines(), "Resources:")
        assert result.status == 0, result.output
        assert len(changes) == 1, f"a second up must change nothing: {changes}"
        assert changes[0].endswith(" unchanged"), f"a second up must change nothing: {changes}"

    def change(self, *kinds: str) -> str:
        """Makes a random change of one of these kinds and returns its description."""
        kind = self.rng.choice(kinds)
        value = getattr(self, f"_change_{kind}")()
        return f"{kind} {value}"

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Changes the stack's configuration."""
        self.cluster.configure(change)

    def set_mode(self, mode: str) -> None:
        """Sets the fleet's mode."""
        self.configure(lambda values: values["configuration"].update(mode=mode))

    def _change_oomScoreAdj(self) -> int:  # noqa: N802 — the field's name
        value = self.rng.randint(-998, -1)
        self.configure(lambda values: values["configuration"].update(oomScoreAdj=value))
        return value

    def _change_version(self) -> str:
        before = self.cluster.configured()["binary"]["version"]
        value = next(version for version in VERSIONS if version != before)
        self.configure(lambda values: values.update(binary=binary(value)))
        return value

    def _change_mode(self) -> str:
        before = self.cluster.configured()["configuration"]["mode"]
        value = self.rng.choice([mode for mode in MODES if mode != before])
        self.set_mode(value)
        return value

    def _change_validityHours(self) -> int:  # noqa: N802 — the field's name
        value = self.rng.randint(2000, 8000)
        self.configure(lambda values: values.update(clientCertificate={"validityHours": value}))
        return value
