"""What a person runs beside pulumi: `python -m commands.validate` and `python -m commands.explain`."""
