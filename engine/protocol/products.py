"""Names of products, as jobs ask for them and tags and files bear them. Standard library alone."""

from __future__ import annotations

PROBABILITY, OCCURRENCE, BINARY = "probability", "occurrence", "binary"
RICHNESS, TOP, NOVELTY = "richness", "top", "novelty"
LIMITING, FEATURES = "novelty_limiting", "novelty of features"  # come with NOVELTY
DIFFERENCE, CHANGE = "difference", "change"  # of two finished maps

PRODUCTS = (PROBABILITY, OCCURRENCE, BINARY, RICHNESS, TOP, NOVELTY)
USUAL_PRODUCTS = (PROBABILITY, NOVELTY)  # by default
