"""Tests of the benchmark; none of them measures anything."""
