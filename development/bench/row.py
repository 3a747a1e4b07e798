"""One measured step, a line of the raw results."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

CONTAINERS = "containers"
IN_PROCESS = "in-process"


@dataclass(frozen=True)
class Row:
    """What a contender did in one step, and what it cost."""

    kind: str
    """CONTAINERS, or IN_PROCESS for nodes that only answer."""
    nodes: int
    contender: str
    round: int
    step: str
    """`first`, `unchanged` or `changed`; with in-process nodes also `preview`, of the first deployment."""
    status: int
    """The exit status: 0 if it succeeded."""
    wall_seconds: float
    operator_seconds: float
    """Processor time of the contender on the operator's machine."""
    node_seconds: float
    """Processor time of all nodes."""
    memory_mib: float
    """The largest sum of the contender's processes, each page shared by some counted in parts (PSS)."""
    written_mib: float
    """What the engine, or the contender's first process, dirtied on disk."""
    state_kib: float | None
    """Size of Pulumi's state, after the step; None without Pulumi."""
    logins: int
    restarts: int
    """Nodes whose kube-proxy has another process than before; in the first step, nodes where one runs."""
    load: float
    """The machine's load average over one minute when the step began."""
    date: str
    commit: str

    def key(self) -> tuple[str, int, str, int]:
        """Return what one world measures: kind, nodes, contender, round."""
        return self.kind, self.nodes, self.contender, self.round


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a file; none if there is no file."""
    return [Row(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def write_rows(file: Path, rows: Iterable[Row]) -> None:
    """Write the rows, one JSON object a line."""
    file.write_text("".join(f"{json.dumps(asdict(row))}\n" for row in rows))
