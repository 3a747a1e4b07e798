"""Check a stack's file: `python -m commands.validate Pulumi.prod.yaml [--format json]`.

It needs no engine, no network and no secrets: a secret counts as given, and its value is not checked. Files that the
stack names are read where they exist. A missing one gives a warning, because keys are kept out of version control; only
`nodesFile`, which is part of the configuration, must exist. Paths are relative to the stack's file.

Every error and every warning is a line on standard output, in the order of the file. The exit status is 1 if there is
an error, otherwise 0.
"""

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path

from settings.load import find_problems
from settings.problems import LONGEST_DETAIL, LONGEST_PATH, OMITTED, Kind, Problem, cut, printable, quoted
from settings.stack_file import read_stack_file
from settings.yaml_reader import Written


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the problems of a stack's file and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m commands.validate", description="Check a stack's configuration.")
    parser.add_argument("file", type=Path, help="Pulumi.<stack>.yaml")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # where the terminal or the pipe is not UTF-8
    found = _check(options.file)
    if options.format == "json":
        print(json.dumps([_data(options.file, line, problem) for line, problem in found], indent=2))
    else:
        file = printable(str(options.file))
        for line, problem in found:
            print(f"{file}:{line}: {problem.severity}: {problem}")
        errors = sum(problem.kind is not None for _, problem in found)
        print(f"{file}: {_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}")
    return int(any(problem.kind is not None for _, problem in found))


def _check(file: Path) -> list[tuple[int, Problem]]:
    """Return the problems of a stack's file, each with its line."""
    try:
        stack = read_stack_file(file)
    except ValueError as error:
        return [(1, Problem((), Kind.INVALID, OMITTED, str(error)))]
    problems = find_problems(stack.values, file.absolute().parent, stack.unreadable)
    return sorted(((stack.line(problem.location), problem) for problem in problems), key=lambda found: found[0])


def _data(file: Path, line: int, problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "file": str(file),
        "line": line,
        "path": cut(problem.path, LONGEST_PATH),
        "kind": problem.kind,
        "value": _value(problem.value),
        "detail": cut(problem.detail, LONGEST_DETAIL),
    }


def _value(value: object) -> object:
    """Return a value for JSON: a number as it was written, a long value as the beginning of its text."""
    if value is OMITTED:
        return None
    if isinstance(value, Written):
        return value.written
    if (shown := quoted(value)).endswith("…"):
        return shown
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    return [_value(item) for item in value] if isinstance(value, list) else value


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly before `| head`, as other programs do
    sys.exit(main())
