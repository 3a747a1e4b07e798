"""Run a Pulumi program: the executor that the language host starts with the project's interpreter.

It has the official executor's name, arguments and exit status: 0 if the program succeeded, 1 if it raised
pulumi.RunError (after logging its message), 32 if it raised another exception (after logging its traceback).
"""

import argparse
import asyncio
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pulumi
import pulumi.runtime

_SHOWN_TO_USER = 32


def main() -> int:
    """Run the program and return the exit status."""
    arguments = _arguments()
    # Python puts this script's directory first; the program must not import from it.
    sys.path.pop(0)
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=arguments.monitor,
            engine=arguments.engine,
            project=arguments.project,
            stack=arguments.stack,
            parallel=arguments.parallel,
            dry_run=arguments.dry_run == "true",
            organization=arguments.organization,
            root_directory=arguments.root_directory,
        )
    )
    sys.argv = [arguments.program, *arguments.arguments]
    os.chdir(arguments.pwd)
    # When a program fails, some futures of its resources are never awaited. asyncio would log an error for each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        _run(arguments.program, threads=max(arguments.parallel, 1) * 4)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_traceback(arguments.program)}")
        return _SHOWN_TO_USER
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a Pulumi program.")
    for name in ("monitor", "engine", "project", "root_directory", "stack", "dry_run", "pwd", "organization"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def _run(program: str, threads: int) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def run_program() -> None:
        runpy.run_path(program, run_name="__main__")

    # Leaving the pool waits for running calls, so that the engine records their results.
    with closing(loop), ThreadPoolExecutor(threads) as executor:
        loop.set_default_executor(executor)
        loop.run_until_complete(pulumi.runtime.run_in_stack(run_program))


def _traceback(program: str) -> str:
    """Return the current exception, from the program's first line on."""
    path = Path(program).resolve()
    main_file = path / "__main__.py" if path.is_dir() else path
    frames = traceback.extract_tb(sys.exc_info()[2])
    of_program = (index for index, frame in enumerate(frames) if Path(frame.filename).resolve() == main_file)
    return traceback.format_exc(limit=-(len(frames) - next(of_program, 0)))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(status)
