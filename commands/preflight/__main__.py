"""Ask all nodes whether they are ready for `pulumi up`: `python -m commands.preflight Pulumi.prod.yaml`.

It runs preflight on every node and leaves nothing there. It needs neither Pulumi nor a passphrase, unless a login needs
a secret of the stack. The exit status is 0 if all nodes are ready, perhaps with remarks; 1 if one isn't; 2 if the
stack's file has an error.
"""

# ruff: noqa: E402 - the handler comes before the imports, which take a second

import os
import signal


def _interrupted(*_: object) -> None:
    """End without waiting for any host: what runs there ends by itself, and removes what it has made."""
    os.write(2, b"interrupted: nothing was changed on any node\n")
    os._exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _interrupted)

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from commands.preflight.asking import AT_ONCE, ask_all
from commands.preflight.fleet import InputError, read_fleet
from commands.preflight.progress import Progress
from commands.preflight.table import data, table
from settings import Mode
from settings.problems import LONGEST_DETAIL, cut, printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask the nodes, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m commands.preflight", description="Ask all nodes of a stack whether they are ready."
    )
    parser.add_argument("file", type=Path, help="Pulumi.<stack>.yaml")
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], help="as if configuration.mode had this value")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where the terminal or the pipe is not UTF-8
    try:
        deliveries = read_fleet(options.file, options.mode)
    except InputError as error:
        print("\n".join(printable(cut(line, LONGEST_DETAIL)) for line in error.lines), file=sys.stderr)
        return 2
    with Progress([node.name for node, _ in deliveries]) as progress:
        answers = asyncio.run(ask_all(deliveries, AT_ONCE, progress.done))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    printed = json.dumps(data(answers), indent=2) if options.format == "json" else "\n".join(table(answers, width))
    try:
        print(printed, flush=True)
    except BrokenPipeError:  # `| head`; the flush at the end must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(any(answer.problems for answer in answers))


if __name__ == "__main__":
    sys.exit(main())
