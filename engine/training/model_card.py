"""The card of a trained network, and what it says about its own figures."""

from __future__ import annotations

LICENCE = "unknown: see the licences of the records and rasters that it was trained on"
