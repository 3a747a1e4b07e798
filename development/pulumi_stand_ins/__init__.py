"""Pulumi's Python language host and provider plugins, for a machine that has only package registries.

The official ones are in no registry. These replace them for an engine that the lab has built from its Go module. For
the resources that the program uses they behave like the official ones. They refuse every other resource and input.

- `language_python`: pulumirpc.LanguageRuntime, for projects with `runtime: python`.
- `command`: pulumirpc.ResourceProvider of pulumi-command (`command:remote:*`).
- `tls`: pulumirpc.ResourceProvider of pulumi-tls.
- `kubernetes`: pulumirpc.ResourceProvider of pulumi-kubernetes, for certificate requests.
- `plugin`: what every plugin needs: serving, property values, differences, the engine's log.

The engine finds the launchers in `bin/` by their names, on PATH or among its installed plugins. The lab links them
among these (`installation`). A plugin on PATH comes first.
"""

from pathlib import Path

LAUNCHERS = Path(__file__).parent / "bin"
"""The directory of the programs that the engine starts."""
