"""Patches: what the network sees at each site, read once and kept."""
