"""The files that a node gets, as text: pure functions of the settings. Nothing here reads, writes or asks anything."""
