"""The files of a node as text: pure functions of the settings."""
