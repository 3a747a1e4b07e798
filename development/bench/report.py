"""The results as people read them: results.md with tables, and plots."""

import os
import platform
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from development import commands, toolchain
from development.bench.contenders import CONTENDERS
from development.bench.preparation import LAB, REQUIREMENTS, VENV
from development.bench.row import CONTAINERS, Row

_TITLES = {"preview": "preview", "first": "first", "unchanged": "no change", "changed": "one change"}
_PLOT = Path(__file__).parent / "plot.py"

Steps = Mapping[str, Sequence[Row]]
"""The rows of a contender by step, one for each round."""


def write(directory: Path, rows: Sequence[Row]) -> None:
    """Write results.md and the plots of all rows."""
    (directory / "results.md").write_text("\n".join(_lines(rows)) + "\n")
    for kind in sorted({row.kind for row in rows}):
        plot: list[str | Path] = [VENV / "bin/python", _PLOT, directory / "rows.jsonl", kind, directory / f"{kind}.svg"]
        commands.run(plot, log=LAB.log / "plot.log")


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield f"Written by `make bench`; [README.md](README.md) explains it. {machine()}"
    yield ""
    dates, loads = sorted(row.date[:10] for row in rows), sorted(row.load for row in rows)
    yield f"Measured {dates[0]} to {dates[-1]} at {', '.join(sorted({row.commit for row in rows}))}."
    yield f"Load average when a step began: {loads[0]} to {loads[-1]}, median {statistics.median(loads):.1f}."
    for kind, nodes in sorted({(row.kind, row.nodes) for row in rows}):
        chosen = [row for row in rows if (row.kind, row.nodes) == (kind, nodes)]
        thing = "nodes that only answer" if kind != CONTAINERS else "containers" if nodes > 1 else "container"
        yield from ("", f"## {nodes} {thing}", "")
        yield from table(chosen, nodes)
    for kind in sorted({row.kind for row in rows}):
        yield from ("", f"![Wall time by number of nodes, {kind}]({kind}.svg)")


def table(rows: Sequence[Row], nodes: int) -> Iterator[str]:
    """Yield a Markdown table, a line for each contender: medians over the rounds, wall time with its range."""
    steps = [step for step in _TITLES if any(row.step == step for row in rows)]
    by_contender: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_contender[row.contender][row.step].append(row)
    rounds = max(len(found) for each in by_contender.values() for found in each.values())
    yield f"{rounds} round{'s' * (rounds > 1)}.{' × is the ratio to the floor.' * ('floor' in by_contender)}"
    yield ""
    columns = ["", *(f"{_TITLES[step]}, s" for step in steps)]
    columns += [f"CPU s of {_TITLES[step]}: operator + nodes" for step in ("first", "unchanged", "changed")]
    columns += [
        "peak MiB",
        "logins a node: first, no change",
        "restarts on no change",
        "MiB written: first, one change",
    ]
    columns += ["state KiB a node"]
    yield _line(columns)
    yield _line("---" for _ in columns)
    for name in (name for name in CONTENDERS if name in by_contender):
        yield _line(_cells(CONTENDERS[name].title, by_contender[name], by_contender.get("floor", {}), steps, nodes))


def _cells(title: str, own: Steps, floor: Steps, steps: Sequence[str], nodes: int) -> Iterator[str]:
    yield title
    for step in steps:
        yield _wall(own.get(step, []), floor.get(step, []))
    for step in ("first", "unchanged", "changed"):
        yield " + ".join(f"{_median(own, step, field):.1f}" for field in ("operator_seconds", "node_seconds"))
    yield f"{max(row.memory_mib for found in own.values() for row in found):.0f}"
    yield ", ".join(f"{_median(own, step, 'logins') / nodes:.3g}" for step in ("first", "unchanged"))
    yield f"{_median(own, 'unchanged', 'restarts'):.0f}"
    yield ", ".join(f"{_median(own, step, 'written_mib'):.0f}" for step in ("first", "changed"))
    yield f"{_median(own, 'first', 'state_kib') / nodes:.0f}"


def _wall(rows: Sequence[Row], floor: Sequence[Row]) -> str:
    if failed := [row for row in rows if row.status]:
        return f"{len(failed)} of {len(rows)} failed"
    if not rows:
        return "–"
    seconds = [row.wall_seconds for row in rows]
    middle = statistics.median(seconds)
    spread = f" ({min(seconds):.1f}–{max(seconds):.1f})" if len(seconds) > 1 else ""
    ratio = f" {middle / statistics.median(row.wall_seconds for row in floor):.1f}×" if floor else ""
    return f"{middle:.1f}{spread}{ratio}"


def _median(rows: Steps, step: str, field: str) -> float:
    """Return the median of a field, or NaN where it doesn't apply."""
    values = [value for row in rows.get(step, []) if (value := getattr(row, field)) is not None]
    return statistics.median(values) if values else float("nan")


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("nan + nan", "–").replace("nan", "–")


def machine() -> str:
    """Describe this machine and the versions."""
    processor = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    pins = dict(re.findall(r"^(ansible-core|pyinfra|matplotlib)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
    engine = commands.run([LAB.bin / "pulumi", "version"]).strip().removeprefix("v")
    return (
        f"Machine: {os.cpu_count()} processors ({processor[1] if processor else '?'}), {memory:.0f} GiB, "
        f"Linux {platform.release()}. kube-proxy {toolchain.KUBERNETES.version}, Pulumi's engine {engine}, "
        f"ansible-core {pins['ansible-core']}, pyinfra {pins['pyinfra']}, Python {platform.python_version()}."
    )
