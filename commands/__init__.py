"""What a person runs beside pulumi: `python -m commands.validate`, `explain`, `preflight` and `adopt`."""
