"""Start one stand-in: `python -P development/pulumi_stand_ins/__main__.py pulumi-resource-tls [engine's arguments]`.

It is run by its path: with PYTHONPATH instead, the program that the language host starts would inherit it.
"""

import importlib
import resource
import sys
from pathlib import Path
from types import ModuleType


def _skip_sdk_start_up() -> None:
    """Make `pulumi.runtime.proto`, the SDK's gRPC stubs, importable without importing `pulumi`.

    `import pulumi` takes half a second, the stubs take a tenth. The engine starts each plugin twice in one `pulumi up`.
    """
    directory = next(path / "pulumi" for path in map(Path, sys.path) if (path / "pulumi" / "runtime").is_dir())
    for name, location in (("pulumi", directory), ("pulumi.runtime", directory / "runtime")):
        package = ModuleType(name)
        package.__path__ = [str(location)]
        sys.modules[name] = package


def main() -> None:
    """Run the stand-in named by the first argument until the engine ends it."""
    # As a program in Go does: the command plugin keeps each node's connections open until it ends.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    _skip_sdk_start_up()
    package = sys.argv.pop(1).removeprefix("pulumi-").removeprefix("resource-").replace("-", "_")
    stand_in = importlib.import_module(f"development.pulumi_stand_ins.{package}.serve")
    stand_in.main()


if __name__ == "__main__":
    main()
