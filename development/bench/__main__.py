"""`python -m development.bench`: the command behind `make bench`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from development import commands
from development.bench import preparation, report, world
from development.bench.contenders import CONTENDERS, PROJECT
from development.bench.preparation import LAB
from development.bench.row import CONTAINERS, IN_PROCESS, Row, read_rows, write_rows
from development.errors import LabError
from development.locks import exclusive
from development.progress import Steps

_LARGE = "machinery-tuned"
"""The contender that deploys to in-process nodes."""


def _numbers(text: str) -> list[int]:
    return [number for number in map(int, text.split(",")) if number]


def _contenders(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(CONTENDERS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: must be of {', '.join(CONTENDERS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m development.bench", description="Measure the program on fleets.")
    parser.add_argument("--nodes", type=_numbers, default=[5, 20, 50], help="sizes of fleets of containers; 0 for none")
    parser.add_argument("--fake", type=_numbers, default=[], help="sizes of fleets whose nodes only answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contenders", type=_contenders, default=list(CONTENDERS))
    parser.add_argument("--out", type=Path, default=PROJECT / "docs/benchmarks", help="directory of the results")
    parser.add_argument("--prepared", action="store_true", help=argparse.SUPPRESS)
    return parser


def cells(arguments: argparse.Namespace) -> Iterator[tuple[str, int, str, int]]:
    """Yield what is to be measured. In each round another contender is the first one."""
    names = arguments.contenders
    for nodes in arguments.nodes:
        for number in range(arguments.rounds):
            first = number % len(names)
            yield from ((CONTAINERS, nodes, name, number) for name in names[first:] + names[:first])
    for nodes in arguments.fake:
        yield from ((IN_PROCESS, nodes, _LARGE, number) for number in range(arguments.rounds))


def _measure(arguments: argparse.Namespace, steps: Steps) -> None:
    file = arguments.out / "rows.jsonl"
    rows = read_rows(file)
    commit = commands.run(["git", "describe", "--always", "--dirty"], directory=PROJECT).strip()
    for cell in cells(arguments):
        if any(row.key() == cell for row in rows):
            continue
        kind, nodes, name, number = cell
        measured: list[Row] = []
        with steps.step(f"{nodes} {kind}, round {number + 1}: {CONTENDERS[name].title}") as step:
            for row in world.run([kind, str(nodes), name, str(number), commit]):
                measured.append(row)
                failed = " FAILED" if row.status else ""
                step.summary = ", ".join(f"{row.step} {row.wall_seconds} s{failed}" for row in measured)
                step.update(step.summary)
        rows += measured
        write_rows(file, rows)
        report.write(arguments.out, rows)


def main() -> int:
    """Measure what the results lack, and return the exit status."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        with Steps() as steps, exclusive(LAB.state / "lock", lambda: steps.console.print("another run must end first")):
            if not arguments.prepared:
                preparation.prepare(PROJECT, steps)
            if os.geteuid() == 0:
                world.remove_leftovers()
                _measure(arguments, steps)
                return 0
        kept = [f"{name}={value}" for name in ("HOME", "PATH", "XDG_CACHE_HOME") if (value := os.environ.get(name))]
        again = commands.privileged(["env", *kept, sys.executable, "-m", "development.bench", *sys.argv[1:]])
        return subprocess.run([*again, "--prepared"], check=False).returncode
    except LabError as error:
        where = f"\n  log: {error.log}" if error.log else ""
        sys.stderr.write(f"error: {error}{where}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
