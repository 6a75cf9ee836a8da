"""A map: planned, laid out in strips, computed, verified, written."""
