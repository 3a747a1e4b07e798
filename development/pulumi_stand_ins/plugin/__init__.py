"""What every plugin needs, whatever it provides: serving, property values, differences, the engine's log."""
