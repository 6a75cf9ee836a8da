"""What a map is made into: occurrence, yes or no, richness, top, novelty."""
