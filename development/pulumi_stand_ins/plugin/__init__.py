"""What every plugin needs: serving, property values, differences, the engine's log."""
