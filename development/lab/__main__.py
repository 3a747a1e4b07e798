"""`python -m development.lab VERB`: the command behind the Makefile's verbs."""

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from development.errors import LabError
from development.lab import environment, ssh, topology, verbs
from development.paths import Lab
from development.progress import Steps

_CHANGING = {
    "packages": verbs.packages,
    "prepare": verbs.prepare,
    "start": verbs.start,
    "up": verbs.up,
    "down": verbs.down,
    "clean": verbs.clean,
}
_SHOWING = {"status": verbs.status, "report": verbs.deployment}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m development.lab", description="A Kubernetes cluster on this machine."
    )
    parser.add_argument("--project", type=Path, default=Path.cwd(), help="the project's directory (default: this one)")
    verb = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, action in (_CHANGING | _SHOWING).items():
        verb.add_parser(name, help=(action.__doc__ or "").splitlines()[0])
    verb.add_parser("env", help="Print the environment for pulumi, kubectl and ssh, for eval in a shell.")
    for name, text in (("ssh", "Open a root shell on a node."), ("console", "Show a node's console.")):
        on_node = verb.add_parser(name, help=text)
        on_node.add_argument("node", choices=[worker.name for worker in topology.WORKERS], help="the node's name")
    return parser


def _dispatch(arguments: argparse.Namespace, lab: Lab) -> None:
    verb = arguments.verb
    if verb in _CHANGING:
        with Steps() as steps:
            verbs.locked(lab, steps, _CHANGING[verb])
    elif verb in _SHOWING:
        _require(lab)
        Console().print(_SHOWING[verb](lab))
    elif verb == "env":
        if not all(node.is_running() for node in verbs.nodes(lab)):
            sys.stderr.write("the lab is not up: run `make up`\n")
        sys.stdout.write(environment.exports(lab))
    elif verb == "ssh":
        _require(lab)
        sys.exit(subprocess.run(ssh.command(lab, arguments.node), check=False).returncode)
    else:
        _require(lab)
        sys.stdout.write(
            next(node for node in verbs.nodes(lab) if node.name == arguments.node).console.read_text(errors="replace")
        )


def _require(lab: Lab) -> None:
    if not lab.state.exists():
        raise LabError("there is no lab yet: run `make up`")


def main() -> int:
    """Run the verb of the command line and return the exit status."""
    arguments = _parser().parse_args()
    try:
        _dispatch(arguments, Lab(arguments.project.resolve()))
    except LabError as error:
        where = f"\n  log: {error.log}" if error.log else ""
        sys.stderr.write(f"error: {error}{where}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
