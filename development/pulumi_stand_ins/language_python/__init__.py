"""The language host for `runtime: python`: runs the program and answers what the engine asks about it."""
