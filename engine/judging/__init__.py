"""Judging: figures with intervals from values at sites the network did not learn from, and the report."""
