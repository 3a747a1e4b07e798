"""Unit tests of the lab; tests/lab runs all of it."""
