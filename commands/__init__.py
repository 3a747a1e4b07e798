"""What a person runs beside pulumi: `python -m commands.validate`, `commands.explain` and `commands.adopt`."""
