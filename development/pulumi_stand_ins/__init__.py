"""Pulumi's Python language host and provider plugins, for a machine that has only package registries.

The official ones are in no registry. These serve in their place beside an engine that the lab has built from its Go
module; they answer as the official ones do for the resources that the program uses, and refuse what they don't know.

- `language_python`: pulumirpc.LanguageRuntime, for projects with `runtime: python`.
- `command`: pulumirpc.ResourceProvider of pulumi-command (`command:remote:*`).
- `tls`: pulumirpc.ResourceProvider of pulumi-tls.
- `kubernetes`: pulumirpc.ResourceProvider of pulumi-kubernetes, for certificate requests.
- `plugin`: what every plugin needs: serving, property values, differences, the engine's log.

The engine finds the launchers in `bin/` by their names: on PATH or, as the lab has it, linked among its installed
plugins (`installation`). A plugin on PATH wins.
"""

from pathlib import Path

LAUNCHERS = Path(__file__).parent / "bin"
"""The directory of the programs that the engine starts."""
