"""Measures the program on fleets, beside other ways to do the same work."""
