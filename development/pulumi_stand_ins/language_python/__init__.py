"""The language host for `runtime: python`: runs the program, and names the plugins that it needs."""
